// SPDX-License-Identifier: MIT
#include <string>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

class ArrayFeatureExtractor final : public Executable {
 public:
  explicit ArrayFeatureExtractor(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const auto indices = context.Input(1).span<int64_t>();
    const int64_t features = input.shape.Back(0);
    for (const int64_t index : indices) {
      if (index >= 0 && index < features) continue;
      return context.Error("input 1 holds index ", index, " but input 0 has ", features,
                           " features");
    }
    Shape shape = input.shape.rank() == 1 ? Shape{1, 0} : input.shape;
    const auto picked = static_cast<int64_t>(indices.size());
    shape[shape.rank() - 1] = picked;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (picked == 0) return OkStatus();
    const int64_t rows = output.count() / picked;
    const auto pick = [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t row = 0; row < rows; ++row) {
        const T* const from = input.as<T>() + row * features;
        T* const to = output.as<T>() + row * picked;
#pragma GCC unroll 8
        for (int64_t i = 0; i < picked; ++i) to[i] = from[indices.data()[i]];
      }
    };
    if (!DispatchSize(input.type, pick)) pick(TypeTag<std::string>());
    return OkStatus();
  }
};

}  // namespace

void RegisterArrayFeatureExtractor(KernelRegistry& registry) {
  registry.Add({.name = "ArrayFeatureExtractor",
                .domain = operators::kMlDomain,
                .make = MakeKernel<ArrayFeatureExtractor>});
}

}  // namespace mullion::cpu
