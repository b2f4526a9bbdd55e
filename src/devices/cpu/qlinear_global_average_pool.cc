// SPDX-License-Identifier: MIT
#include "devices/cpu/byte_mean.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"

namespace mullion::cpu {

namespace {

class QlinearGlobalAveragePool final : public Executable {
 public:
  explicit QlinearGlobalAveragePool(const Node& node) : layout_(node) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    context.RequestScratch(ByteMeanScratchBytes(shape, layout_.SpatialAxes(shape.rank())));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y,
                             context.AllocateOutput(0, layout_.Pooled(x.shape)));
    return AverageBytes(context, x, ByteScaleAt(context, 1), layout_.SpatialAxes(x.shape.rank()),
                        ByteScaleAt(context, 3), context.scratch(), y.data);
  }

 private:
  operators::ChannelLayout layout_;
};

}  // namespace

void RegisterQlinearGlobalAveragePool(KernelRegistry& registry) {
  registry.Add({.name = "QLinearGlobalAveragePool",
                .domain = "com.microsoft",
                .make = MakeKernel<QlinearGlobalAveragePool>});
}

}  // namespace mullion::cpu
