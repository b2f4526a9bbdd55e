// SPDX-License-Identifier: MIT
#include "devices/cpu/byte_mean.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/registry.h"
#include "operators/reduce.h"

namespace mullion::cpu {

namespace {

class QlinearReduceMean final : public Executable {
 public:
  explicit QlinearReduceMean(const Node& node) : node_(node) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    MULLION_ASSIGN_OR_RETURN(const uint32_t reduced, operators::ReducedAxesOf(node_, shape.rank()));
    context.RequestScratch(ByteMeanScratchBytes(shape, reduced));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const uint32_t reduced,
                             operators::ReducedAxesOf(node_, x.shape.rank()));
    const Shape shape = operators::ReduceParameters(node_).OutputShape(x.shape, reduced);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, shape));
    return AverageBytes(context, x, ByteScaleAt(context, 1), reduced, ByteScaleAt(context, 3),
                        context.scratch(), y.data);
  }

 private:
  const Node& node_;
};

}  // namespace

void RegisterQlinearReduceMean(KernelRegistry& registry) {
  registry.Add({.name = "QLinearReduceMean",
                .domain = "com.microsoft",
                .make = MakeKernel<QlinearReduceMean>});
}

}  // namespace mullion::cpu
