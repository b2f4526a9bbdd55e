// SPDX-License-Identifier: MIT
#include "operators/slice.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

using operators::SliceRange;
using operators::SliceRanges;

// `input(i)` gives the content of input i, or null when it is left out.
template <typename Inputs>
Result<SliceRanges> Resolve(const Shape& shape, Inputs input) {
  MULLION_ASSIGN_OR_RETURN(const IntList starts, ReadIntList(*input(1), "input 'starts'"));
  MULLION_ASSIGN_OR_RETURN(const IntList ends, ReadIntList(*input(2), "input 'ends'"));
  IntList axes, steps;
  if (input(3) != nullptr) {
    MULLION_ASSIGN_OR_RETURN(axes, ReadIntList(*input(3), "input 'axes'"));
  }
  if (input(4) != nullptr) {
    MULLION_ASSIGN_OR_RETURN(steps, ReadIntList(*input(4), "input 'steps'"));
  }
  return operators::ResolveSlice(shape, starts, ends, input(3) != nullptr ? &axes : nullptr,
                                 input(4) != nullptr ? &steps : nullptr);
}

// The copy that a slice is.
struct SlicePlan final : public BoundState {
  SlicePlan(ElementType type, const Shape& input, const SliceRanges& ranges)
      : shape(ranges.shape()), copy(type) {
    const auto from = RowMajorStrides(input);
    const auto to = RowMajorStrides(shape);
    for (int i = 0; i < shape.rank(); ++i) {
      const auto axis = static_cast<size_t>(i);
      const SliceRange& range = ranges.axes[axis];
      offset += range.start * from[axis];
      copy.AddAxis(range.count, range.step * from[axis], to[axis]);
    }
  }

  Status Run(RunContext& context) const {
    const void* const input = context.Input(0).data;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.data != input) copy.Run(input, offset, output.data, 0, context.parallel());
    return OkStatus();
  }

  Shape shape;
  StridedCopy copy;
  int64_t offset = 0;
};

class Slice final : public Executable {
 public:
  explicit Slice(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    const auto data = [&](int i) {
      return context.input(i) != nullptr ? context.input(i)->data : nullptr;
    };
    for (int i = 1; i < context.input_count(); ++i) {
      if (context.input(i) != nullptr && data(i) == nullptr) return OkStatus();
    }
    const BindContext::Port& input = *context.input(0);
    const Result<SliceRanges> ranges = Resolve(input.shape, data);
    if (!ranges.ok()) return OkStatus();
    if (ranges->IsWhole(input.shape)) context.AllowInPlace(0, 0);
    context.SetState(std::make_unique<SlicePlan>(input.type, input.shape, *ranges));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    if (const auto* const plan = context.state<SlicePlan>()) return plan->Run(context);
    const TensorView& input = context.Input(0);
    const Result<SliceRanges> ranges = Resolve(
        input.shape, [&](int i) { return context.HasInput(i) ? &context.Input(i) : nullptr; });
    if (!ranges.ok()) return context.Error(ranges.status().message());
    return SlicePlan(input.type, input.shape, *ranges).Run(context);
  }
};

}  // namespace

void RegisterSlice(KernelRegistry& registry) {
  registry.Add({.name = "Slice", .make = MakeKernel<Slice>});
}

}  // namespace mullion::cpu
