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
    if (output.count() > 0) Repeat(input, *repeats, *shape, output.data, context.parallel());
    return OkStatus();
  }

 private:
  // Pieces that a level 1 cache holds go to all their places at once. Others as lines first, each
  // repeated along the last axis; then, axis by axis, what is there of the output in longer and
  // longer pieces.
  static void Repeat(const TensorView& input, const IntList& repeats, const Shape& shape, void* y,
                     Parallel& parallel) {
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(shape);
    int inner = shape.rank();  // axes from here on are not repeated
    while (inner > 0 && repeats[inner - 1] == 1) --inner;
    if (inner > 0) --inner;
    const int64_t bytes = ByteSize(input.type, input.shape.Product(inner, shape.rank()));
    if (bytes >= 512 && bytes <= 32 << 10) {
      StridedCopy pieces(input.type);
      for (int i = 0; i < inner; ++i) {
        const auto axis = static_cast<size_t>(i);
        pieces.AddAxis(input.shape[i], from[axis], to[axis]);
      }
      for (int i = 0; i <= inner; ++i) {
        pieces.AddAxis(repeats[i], 0, input.shape[i] * to[static_cast<size_t>(i)]);
      }
      pieces.AddAxis(input.shape.Product(inner, shape.rank()), 1, 1);
      return pieces.Run(input.data, 0, y, 0, parallel);
    }
    StridedCopy lines(input.type);
    for (int i = 0; i < shape.rank(); ++i) {
      const auto axis = static_cast<size_t>(i);
      if (i == shape.rank() - 1) lines.AddAxis(repeats[i], 0, input.shape[i] * to[axis]);
      lines.AddAxis(input.shape[i], from[axis], to[axis]);
    }
    lines.Run(input.data, 0, y, 0, parallel);
    for (int i = shape.rank() - 2; i >= 0; --i) {
      if (repeats[i] == 1) continue;
      const int64_t piece = input.shape[i] * to[static_cast<size_t>(i)];
      StridedCopy pieces(input.type);
      for (int j = 0; j < i; ++j) {
        const int64_t stride = to[static_cast<size_t>(j)];
        pieces.AddAxis(input.shape[j], stride, stride);
      }
      pieces.AddAxis(repeats[i] - 1, 0, piece);
      pieces.AddAxis(piece, 1, 1);
      pieces.Run(y, 0, y, piece, parallel);
    }
  }
};

}  // namespace

void RegisterTile(KernelRegistry& registry) {
  registry.Add({.name = "Tile", .make = MakeKernel<Tile>});
}

}  // namespace mullion::cpu
