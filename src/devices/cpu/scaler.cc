// SPDX-License-Identifier: MIT
#include <span>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/feature_rows.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class Scaler final : public Executable {
 public:
  explicit Scaler(const Node& node)
      : offsets_(Copy(node.FloatsAttribute("offset"), 0)),
        scales_(Copy(node.FloatsAttribute("scale"), 1)) {}

  Status Run(RunContext& context) const override {
    const Shape& shape = context.Input(0).shape;
    const auto features = static_cast<size_t>(shape.rank() == 0 ? 1 : shape.Back(0));
    for (const std::vector<float>* const values : {&offsets_, &scales_}) {
      if (values->size() == 1 || values->size() == features) continue;
      return context.Error("its input has ", features, " features but an attribute has ",
                           values->size(), " elements");
    }
    const size_t offset_step = offsets_.size() == 1 ? 0 : 1;
    const size_t scale_step = scales_.size() == 1 ? 0 : 1;
    return ChangeFeatureRows(context, [&](float* row, int64_t count) {
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        row[i] = (row[i] - offsets_[i * offset_step]) * scales_[i * scale_step];
      }
    });
  }

 private:
  static std::vector<float> Copy(std::span<const float> values, float fallback) {
    if (values.empty()) return {fallback};
    return {values.begin(), values.end()};
  }

  std::vector<float> offsets_;
  std::vector<float> scales_;
};

}  // namespace

void RegisterScaler(KernelRegistry& registry) {
  registry.Add({.name = "Scaler", .domain = operators::kMlDomain, .make = MakeKernel<Scaler>});
}

}  // namespace mullion::cpu
