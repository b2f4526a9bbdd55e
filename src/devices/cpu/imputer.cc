// SPDX-License-Identifier: MIT
#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

using Numbers = TypeList<float, double, int32_t, int64_t>;

constexpr int64_t kChunk = 32 * 1024;
constexpr size_t kShortestPeriod = 64;

template <typename T>
class Imputer final : public Executable {
 public:
  explicit Imputer(const Node& node) {
    if constexpr (std::is_floating_point_v<T>) {
      replaced_ = static_cast<T>(node.FloatAttribute("replaced_value_float", 0.0f));
      Repeat(node.FloatsAttribute("imputed_value_floats"));
    } else {
      replaced_ = static_cast<T>(node.IntAttribute("replaced_value_int64", 0));
      Repeat(node.IntsAttribute("imputed_value_int64s"));
    }
  }

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (input.count() == 0) return OkStatus();
    const int64_t features = input.shape.rank() == 0 ? 1 : input.shape.Back(0);
    if (values_ != 1 && values_ != features) {
      return context.Error("its input has ", features, " features but there are ", values_,
                           " imputed values");
    }
    const auto period = static_cast<int64_t>(imputed_.size());
    context.parallel().For(output.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end;) {
        const int64_t phase = i % period;
        const int64_t count = std::min(period - phase, end - i);
        Replace(input.as<T>() + i, imputed_.data() + phase, count, output.as<T>() + i);
        i += count;
      }
    });
    return OkStatus();
  }

 private:
  // Few values stand there several times, so that loops are long.
  template <typename Value>
  void Repeat(std::span<const Value> values) {
    values_ = static_cast<int64_t>(values.size());
    while (values_ > 0 && imputed_.size() < kShortestPeriod) {
      for (const Value value : values) imputed_.push_back(static_cast<T>(value));
    }
  }

  // Element by element, as the output may be in the input's place.
  void Replace(const T* x, const T* imputed, int64_t count, T* y) const {
    const T replaced = replaced_;
    if (replaced != replaced) {
#pragma GCC ivdep
      for (int64_t j = 0; j < count; ++j) y[j] = x[j] != x[j] ? imputed[j] : x[j];
    } else if constexpr (std::is_floating_point_v<T>) {
#pragma GCC ivdep
      for (int64_t j = 0; j < count; ++j) y[j] = x[j] == replaced ? imputed[j] : x[j];
    } else {
      // By masks: which elements are missing follows no pattern, and SSE2 compares no 64 bits. The
      // sign of d | -d tells whether d is 0.
      using U = std::make_unsigned_t<T>;
#pragma GCC ivdep
      for (int64_t j = 0; j < count; ++j) {
        const U difference = static_cast<U>(x[j]) ^ static_cast<U>(replaced);
        const U missing = ((difference | (U{0} - difference)) >> (8 * sizeof(U) - 1)) - 1;
        y[j] = static_cast<T>(static_cast<U>(x[j]) ^ (static_cast<U>(x[j] ^ imputed[j]) & missing));
      }
    }
  }

  std::vector<T> imputed_;  // repeated
  int64_t values_ = 0;      // of the attribute
  T replaced_;
};

Result<std::unique_ptr<Executable>> MakeImputer(const Node& node, WeightStore& /*weights*/) {
  std::unique_ptr<Executable> made;
  DispatchType(Numbers(), node.input(0)->type.element_type, [&](auto tag) {
    made = std::make_unique<Imputer<typename decltype(tag)::type>>(node);
  });
  return made;
}

}  // namespace

void RegisterImputer(KernelRegistry& registry) {
  registry.Add({.name = "Imputer", .domain = operators::kMlDomain, .make = MakeImputer});
}

}  // namespace mullion::cpu
