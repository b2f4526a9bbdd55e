// SPDX-License-Identifier: MIT
// Reshape, Flatten, Squeeze, Unsqueeze: nothing moves when input and output share memory.
#include "operators/reshape.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

Result<Shape> Reshape(const RunContext& context) {
  MULLION_ASSIGN_OR_RETURN(const IntList target, ReadIntList(context.Input(1), "input 'shape'"));
  const bool allow_zero = context.node().IntAttribute("allowzero", 0) != 0;
  return operators::ReshapeTarget(context.Input(0).shape, target, allow_zero);
}

Result<Shape> Flatten(const RunContext& context) {
  return operators::FlattenTarget(context.Input(0).shape, context.node().IntAttribute("axis", 1));
}

Result<Shape> Squeeze(const RunContext& context) {
  IntList axes;
  if (context.HasInput(1)) {
    MULLION_ASSIGN_OR_RETURN(axes, ReadIntList(context.Input(1), "input 'axes'"));
  }
  return operators::SqueezeTarget(context.Input(0).shape, axes);
}

Result<Shape> Unsqueeze(const RunContext& context) {
  MULLION_ASSIGN_OR_RETURN(const IntList axes, ReadIntList(context.Input(1), "input 'axes'"));
  return operators::UnsqueezeTarget(context.Input(0).shape, axes);
}

struct KnownShape final : BoundState {
  explicit KnownShape(const Shape& known) : shape(known) {}
  const Shape shape;
};

// The same elements under the shape that is known at binding, or that `target` works out.
template <Result<Shape> (*target)(const RunContext&)>
class View final : public Executable {
 public:
  explicit View(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    context.GiveView();
    if (context.output(0) != nullptr) {
      context.SetState(std::make_unique<KnownShape>(context.output(0)->shape));
    }
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto* const known = context.state<KnownShape>();
    const Result<Shape> shape = known != nullptr ? known->shape : target(context);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    CopyTensor(context.Input(0), output, context.parallel());
    return OkStatus();
  }
};

}  // namespace

void RegisterReshape(KernelRegistry& registry) {
  registry.Add({.name = "Reshape", .make = MakeKernel<View<Reshape>>});
  registry.Add({.name = "Flatten", .make = MakeKernel<View<Flatten>>});
  registry.Add({.name = "Squeeze", .make = MakeKernel<View<Squeeze>>});
  registry.Add({.name = "Unsqueeze", .make = MakeKernel<View<Unsqueeze>>});
}

}  // namespace mullion::cpu
