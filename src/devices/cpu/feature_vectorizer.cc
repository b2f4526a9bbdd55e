// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "devices/cpu/class_labels.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

// Features of all inputs side by side, as floats.
class FeatureVectorizer final : public Executable {
 public:
  explicit FeatureVectorizer(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const int64_t rows = operators::RowCount(context.Input(0).shape);
    int64_t width = 0;
    for (int i = 0; i < context.input_count(); ++i) {
      const Shape& shape = context.Input(i).shape;
      if (operators::RowCount(shape) != rows) {
        return context.Error("input ", i, " has ", operators::RowCount(shape),
                             " rows but input 0 has ", rows);
      }
      width += shape.Back(0);
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{rows, width}));
    int64_t first = 0;
    for (int i = 0; i < context.input_count(); ++i) {
      const TensorView& input = context.Input(i);
      const int64_t features = input.shape.Back(0);
      for (int64_t row = 0; row < rows; ++row) {
        ReadFeatures(input, row * features, features, output.as<float>() + row * width + first);
      }
      first += features;
    }
    return OkStatus();
  }
};

}  // namespace

void RegisterFeatureVectorizer(KernelRegistry& registry) {
  registry.Add({.name = "FeatureVectorizer",
                .domain = operators::kMlDomain,
                .make = MakeKernel<FeatureVectorizer>});
}

}  // namespace mullion::cpu
