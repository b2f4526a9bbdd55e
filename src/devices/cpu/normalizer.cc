// SPDX-License-Identifier: MIT
#include "devices/cpu/feature_rows.h"
#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

ReduceKind NormOf(const Node& node) {
  const std::string_view norm = node.StringAttribute("norm", "MAX");
  return norm == "MAX" ? ReduceKind::kMax : norm == "L1" ? ReduceKind::kL1 : ReduceKind::kL2;
}

class Normalizer final : public Executable {
 public:
  explicit Normalizer(const Node& node)
      : norm_(FindReduceFunctions(NormOf(node), ElementType::kFloat)) {}

  Status Run(RunContext& context) const override {
    return ChangeFeatureRows(context, [this](float* row, int64_t count) {
      float sum = 0;
      float divisor = 0;
      norm_.init(&sum, 1);
      norm_.run(row, static_cast<size_t>(count), &sum);
      norm_.finish(&sum, 1, count, &divisor);
      if (divisor == 0) return;  // the row stays as it is
      for (int64_t i = 0; i < count; ++i) row[i] /= divisor;
    });
  }

 private:
  ReduceFunctions norm_;
};

}  // namespace

void RegisterNormalizer(KernelRegistry& registry) {
  registry.Add(
      {.name = "Normalizer", .domain = operators::kMlDomain, .make = MakeKernel<Normalizer>});
}

}  // namespace mullion::cpu
