// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

using Numbers = TypeList<float, double, int32_t, int64_t>;

constexpr int64_t kChunk = 32 * 1024;

class Imputer final : public Executable {
 public:
  explicit Imputer(const Node& node)
      : floats_(Copy(node.FloatsAttribute("imputed_value_floats"))),
        ints_(Copy(node.IntsAttribute("imputed_value_int64s"))),
        replaced_float_(node.FloatAttribute("replaced_value_float", 0.0f)),
        replaced_int_(node.IntAttribute("replaced_value_int64", 0)) {}

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
    const bool real = Contains(types::kFloatDouble, input.type);
    const auto values = static_cast<int64_t>(real ? floats_.size() : ints_.size());
    if (values != 1 && values != features) {
      return context.Error("its input has ", features, " features but there are ", values,
                           " imputed values");
    }
    DispatchType(Numbers(), input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_floating_point_v<T>) {
        const T replaced = static_cast<T>(replaced_float_);
        if (replaced == replaced) {
          Replace<T>(context, output, features, floats_, [=](T x) { return x == replaced; });
        } else {
          Replace<T>(context, output, features, floats_, [](T x) { return x != x; });
        }
      } else {
        const T replaced = static_cast<T>(replaced_int_);
        Replace<T>(context, output, features, ints_, [=](T x) { return x == replaced; });
      }
    });
    return OkStatus();
  }

 private:
  template <typename T>
  static std::vector<T> Copy(std::span<const T> values) {
    return {values.begin(), values.end()};
  }

  template <typename T, typename Value, typename Missing>
  static void Replace(const RunContext& context, const MutableTensorView& output, int64_t features,
                      const std::vector<Value>& values, Missing missing) {
    const T* const input = context.Input(0).as<T>();
    const bool one = values.size() == 1;
    context.parallel().For(output.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      // Tiles of values, which begin anew with each row.
      constexpr int64_t kTile = 64;
      T imputed[kTile];
      std::fill_n(imputed, kTile, static_cast<T>(values[0]));
      for (int64_t i = begin, feature = one ? 0 : begin % features; i < end; i += kTile) {
        const int64_t count = std::min(kTile, end - i);
        for (int64_t j = 0; !one && j < count; ++j) {
          imputed[j] = static_cast<T>(values[static_cast<size_t>(feature)]);
          if (++feature == features) feature = 0;
        }
        const T* const x = input + i;
        T* const y = output.as<T>() + i;
        // The output may be in the input's place: element by element.
#pragma GCC ivdep
        for (int64_t j = 0; j < count; ++j) y[j] = missing(x[j]) ? imputed[j] : x[j];
      }
    });
  }

  std::vector<float> floats_;
  std::vector<int64_t> ints_;
  float replaced_float_;
  int64_t replaced_int_;
};

}  // namespace

void RegisterImputer(KernelRegistry& registry) {
  registry.Add({.name = "Imputer", .domain = operators::kMlDomain, .make = MakeKernel<Imputer>});
}

}  // namespace mullion::cpu
