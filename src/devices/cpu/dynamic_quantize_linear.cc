// SPDX-License-Identifier: MIT
#include "devices/cpu/dynamic_scale.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class DynamicQuantizeLinear final : public Executable {
 public:
  explicit DynamicQuantizeLinear(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    context.RequestScratch(static_cast<size_t>(RangesBytes(context.threads())));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView scale, context.AllocateOutput(1, Shape{}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView zero, context.AllocateOutput(2, Shape{}));
    const ByteScale step =
        QuantizeDynamically(x.as<float>(), x.count(), static_cast<FloatRange*>(context.scratch()),
                            context.parallel(), y.as<uint8_t>());
    *scale.as<float>() = step.scale;
    *zero.as<uint8_t>() = static_cast<uint8_t>(step.zero_point);
    return OkStatus();
  }
};

}  // namespace

void RegisterDynamicQuantizeLinear(KernelRegistry& registry) {
  registry.Add({.name = "DynamicQuantizeLinear",
                .since = 11,
                .types = types::kFloat,
                .make = MakeKernel<DynamicQuantizeLinear>});
}

}  // namespace mullion::cpu
