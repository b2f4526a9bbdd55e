// SPDX-License-Identifier: MIT
#include "operators/expand.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class Expand final : public Executable {
 public:
  explicit Expand(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    const BindContext::Port* const output = context.output(0);
    const Shape& input = context.input(0)->shape;
    if (output != nullptr && output->shape.ElementCount() == input.ElementCount()) {
      context.AllowInPlace(0, 0);
    }
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<IntList> target = ReadIntList(context.Input(1), "input 'shape'");
    if (!target.ok()) return context.Error(target.status().message());
    const Result<Shape> shape = operators::ExpandTarget(input.shape, *target);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.data == input.data) return OkStatus();
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(*shape);
    const int added = shape->rank() - input.shape.rank();
    StridedCopy copy(input.type);
    for (int i = 0; i < shape->rank(); ++i) {
      const bool repeated = i < added || input.shape[i - added] == 1;
      copy.AddAxis((*shape)[i], repeated ? 0 : from[static_cast<size_t>(i - added)],
                   to[static_cast<size_t>(i)]);
    }
    copy.Run(input.data, 0, output.data, 0, context.parallel());
    return OkStatus();
  }
};

}  // namespace

void RegisterExpand(KernelRegistry& registry) {
  registry.Add({.name = "Expand", .make = MakeKernel<Expand>});
}

}  // namespace mullion::cpu
