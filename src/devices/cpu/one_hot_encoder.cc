// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

class OneHotEncoder final : public Executable {
 public:
  explicit OneHotEncoder(const Node& node) : allow_unknown_(node.IntAttribute("zeros", 1) != 0) {
    for (const std::string& word : node.StringsAttribute("cats_strings")) {
      const auto place = static_cast<int64_t>(words_.size());
      words_.emplace(word, place);
    }
    for (const int64_t number : node.IntsAttribute("cats_int64s")) {
      const auto place = static_cast<int64_t>(numbers_.size());
      numbers_.emplace(number, place);
    }
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
          words ? Place(words_, input.as<std::string>()[i]) : Place(numbers_, IntegerAt(input, i));
      if (place >= 0) {
        out[i * categories + place] = 1.0f;
      } else if (!allow_unknown_) {
        return context.Error(StrCat("element ", i,
                                    " of its input is no known category, which "
                                    "attribute 'zeros' = 0 forbids"));
      }
    }
    return OkStatus();
  }

 private:
  template <typename Key>
  static int64_t Place(const std::unordered_map<Key, int64_t>& places, const Key& key) {
    const auto found = places.find(key);
    return found == places.end() ? -1 : found->second;
  }

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
  std::unordered_map<std::string, int64_t> words_;
  std::unordered_map<int64_t, int64_t> numbers_;
};

}  // namespace

void RegisterOneHotEncoder(KernelRegistry& registry) {
  registry.Add(
      {.name = "OneHotEncoder", .domain = operators::kMlDomain, .make = MakeKernel<OneHotEncoder>});
}

}  // namespace mullion::cpu
