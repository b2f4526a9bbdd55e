// SPDX-License-Identifier: MIT
#include "operators/label_encoder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/key_index.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

using operators::LabelTable;

class LabelEncoder final : public Executable {
 public:
  explicit LabelEncoder(LabelTable table) : table_(std::move(table)), index_(table_.keys) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    constexpr int64_t kBlock = 256;
    int64_t places[kBlock];
    for (int64_t begin = 0; begin < input.count(); begin += kBlock) {
      const int64_t count = std::min(kBlock, input.count() - begin);
      DispatchType(AllLabels(), input.type, [&](auto tag) {
        index_.FindEach(input.as<typename decltype(tag)::type>() + begin, count, places);
      });
      DispatchType(AllLabels(), output.type, [&](auto tag) {
        using Label = typename decltype(tag)::type;
        Label* const to = output.as<Label>() + begin;
        const auto values = table_.values.span<Label>();
        const Label& fallback = table_.fallback.span<Label>()[0];
        for (int64_t i = 0; i < count; ++i) {
          // An address without a branch: which it is follows no pattern.
          const Label* value = values.data() + places[i];
          value = places[i] < 0 ? &fallback : value;
          to[i] = *value;
        }
      });
    }
    return OkStatus();
  }

 private:
  LabelTable table_;
  KeyIndex index_;
};

Result<std::unique_ptr<Executable>> MakeLabelEncoder(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(LabelTable table, operators::ParseLabelTable(node));
  return std::unique_ptr<Executable>(std::make_unique<LabelEncoder>(std::move(table)));
}

Result<std::unique_ptr<Executable>> MakeCategoryMapper(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(LabelTable table,
                           operators::ParseCategoryTable(node, node.input(0)->type.element_type));
  return std::unique_ptr<Executable>(std::make_unique<LabelEncoder>(std::move(table)));
}

}  // namespace

void RegisterLabelEncoder(KernelRegistry& registry) {
  registry.Add({.name = "LabelEncoder",
                .domain = operators::kMlDomain,
                .since = 4,
                .make = MakeLabelEncoder});
  registry.Add(
      {.name = "CategoryMapper", .domain = operators::kMlDomain, .make = MakeCategoryMapper});
}

}  // namespace mullion::cpu
