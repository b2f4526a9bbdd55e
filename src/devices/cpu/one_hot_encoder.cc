// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <string>

#include "base/str_cat.h"
#include "devices/cpu/key_index.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

class OneHotEncoder final : public Executable {
 public:
  explicit OneHotEncoder(const Node& node)
      : allow_unknown_(node.IntAttribute("zeros", 1) != 0),
        words_(Tensor::Vector<std::string>(node.StringsAttribute("cats_strings"))),
        numbers_(Tensor::Vector<int64_t>(node.IntsAttribute("cats_int64s"))) {
    word_count_ = static_cast<int64_t>(node.StringsAttribute("cats_strings").size());
    number_count_ = static_cast<int64_t>(node.IntsAttribute("cats_int64s").size());
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const bool words = input.type == ElementType::kString;
    const int64_t categories = words ? word_count_ : number_count_;
    if (input.shape.rank() >= kMaxRank) return context.Error("its input has too many axes");
    Shape shape = input.shape;
    shape.Append(categories);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    auto* const out = output.as<float>();
    std::fill_n(out, output.count(), 0.0f);
    for (int64_t i = 0; i < input.count(); ++i) {
      const int64_t place =
          words ? words_.Find(input.as<std::string>()[i]) : numbers_.Find(IntegerAt(input, i));
      if (place >= 0) {
        out[i * categories + place] = 1.0f;
      } else if (!allow_unknown_) {
        return context.Error("element ", i,
                             " of its input is no known category, which "
                             "attribute 'zeros' = 0 forbids");
      }
    }
    return OkStatus();
  }

 private:
  // Fractions are dropped; what is no integer of 64 bits is none of the categories either.
  static int64_t IntegerAt(const TensorView& input, int64_t i) {
    if (input.type == ElementType::kInt64) return input.as<int64_t>()[i];
    if (input.type == ElementType::kInt32) return input.as<int32_t>()[i];
    const double value = input.type == ElementType::kFloat
                             ? static_cast<double>(input.as<float>()[i])
                             : input.as<double>()[i];
    constexpr double kLimit = 9.2e18;
    return value > -kLimit && value < kLimit ? static_cast<int64_t>(value)
                                             : std::numeric_limits<int64_t>::min();
  }

  bool allow_unknown_;
  int64_t word_count_;
  int64_t number_count_;
  KeyIndex words_;
  KeyIndex numbers_;
};

}  // namespace

void RegisterOneHotEncoder(KernelRegistry& registry) {
  registry.Add(
      {.name = "OneHotEncoder", .domain = operators::kMlDomain, .make = MakeKernel<OneHotEncoder>});
}

}  // namespace mullion::cpu
