// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <string_view>

#include "devices/cpu/feature_rows.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class Normalizer final : public Executable {
 public:
  explicit Normalizer(const Node& node) : norm_(node.StringAttribute("norm", "MAX")) {}

  Status Run(RunContext& context) const override {
    return ChangeFeatureRows(context, [this](float* row, int64_t count) {
      float divisor = 0;
      if (norm_ == "MAX") {
        divisor = *std::max_element(row, row + count);
      } else if (norm_ == "L1") {
        for (int64_t i = 0; i < count; ++i) divisor += std::abs(row[i]);
      } else {
        for (int64_t i = 0; i < count; ++i) divisor += row[i] * row[i];
        divisor = std::sqrt(divisor);
      }
      if (divisor == 0) return;  // the row stays as it is
      for (int64_t i = 0; i < count; ++i) row[i] /= divisor;
    });
  }

 private:
  std::string_view norm_;  // owned by the node
};

}  // namespace

void RegisterNormalizer(KernelRegistry& registry) {
  registry.Add(
      {.name = "Normalizer", .domain = operators::kMlDomain, .make = MakeKernel<Normalizer>});
}

}  // namespace mullion::cpu
