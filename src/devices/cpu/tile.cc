// SPDX-License-Identifier: MIT
#include "operators/tile.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class Tile final : public Executable {
 public:
  explicit Tile(const Node& /*node*/) {}

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
    const Result<IntList> repeats = ReadIntList(context.Input(1), "input 'repeats'");
    if (!repeats.ok()) return context.Error(repeats.status().message());
    const Result<Shape> shape = operators::TileTarget(input.shape, *repeats);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.data == input.data) return OkStatus();
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(*shape);
    StridedCopy copy(input.type);
    for (int i = 0; i < shape->rank(); ++i) {
      const auto axis = static_cast<size_t>(i);
      copy.AddAxis((*repeats)[i], 0, input.shape[i] * to[axis]);
      copy.AddAxis(input.shape[i], from[axis], to[axis]);
    }
    copy.Run(input.data, 0, output.data, 0, context.parallel());
    return OkStatus();
  }
};

}  // namespace

void RegisterTile(KernelRegistry& registry) {
  registry.Add({.name = "Tile", .make = MakeKernel<Tile>});
}

}  // namespace mullion::cpu
