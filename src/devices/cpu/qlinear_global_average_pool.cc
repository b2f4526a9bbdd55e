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
    context.RequestScratch(ByteMeanScratchBytes(shape, SpatialAxes(shape)));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    Shape shape = x.shape;
    for (int i = 0; i < shape.rank() - 2; ++i) shape[layout_.SpatialAxis(i)] = 1;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, shape));
    return AverageBytes(context, x, ByteScaleAt(context, 1), SpatialAxes(x.shape),
                        ByteScaleAt(context, 3), context.scratch(), y.data);
  }

 private:
  uint32_t SpatialAxes(const Shape& shape) const {
    uint32_t axes = 0;
    for (int i = 0; i < shape.rank() - 2; ++i) axes |= uint32_t{1} << layout_.SpatialAxis(i);
    return axes;
  }

  operators::ChannelLayout layout_;
};

}  // namespace

void RegisterQlinearGlobalAveragePool(KernelRegistry& registry) {
  registry.Add({.name = "QLinearGlobalAveragePool",
                .domain = "com.microsoft",
                .make = MakeKernel<QlinearGlobalAveragePool>});
}

}  // namespace mullion::cpu
