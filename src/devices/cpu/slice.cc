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
    const Shape& shape = context.input(0)->shape;
    const Result<SliceRanges> ranges = Resolve(shape, data);
    if (ranges.ok() && ranges->IsWhole(shape)) context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<SliceRanges> ranges = Resolve(
        input.shape, [&](int i) { return context.HasInput(i) ? &context.Input(i) : nullptr; });
    if (!ranges.ok()) return context.Error(ranges.status().message());
    const Shape shape = ranges->shape();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.data == input.data) return OkStatus();
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(shape);
    StridedCopy copy(input.type);
    int64_t offset = 0;
    for (int i = 0; i < shape.rank(); ++i) {
      const auto axis = static_cast<size_t>(i);
      const SliceRange& range = ranges->axes[axis];
      offset += range.start * from[axis];
      copy.AddAxis(range.count, range.step * from[axis], to[axis]);
    }
    copy.Run(input.data, offset, output.data, 0, context.parallel());
    return OkStatus();
  }
};

}  // namespace

void RegisterSlice(KernelRegistry& registry) {
  registry.Add({.name = "Slice", .make = MakeKernel<Slice>});
}

}  // namespace mullion::cpu
