// SPDX-License-Identifier: MIT
#include "operators/transpose.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

// True when the axes longer than 1 keep their order: then nothing moves.
bool KeepsOrder(const Shape& shape, const IntList& perm) {
  int64_t last = -1;
  for (const int64_t axis : perm) {
    if (shape[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

class Transpose final : public Executable {
 public:
  explicit Transpose(const Node& node) : perm_(node.IntsAttribute("perm")) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    const Result<IntList> perm = operators::TransposePermutation(perm_, shape.rank());
    if (perm.ok() && KeepsOrder(shape, *perm)) context.GiveView();
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<IntList> perm = operators::TransposePermutation(perm_, input.shape.rank());
    if (!perm.ok()) return context.Error(perm.status().message());
    Shape shape;
    for (const int64_t axis : *perm) shape.Append(input.shape[static_cast<int>(axis)]);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(shape);
    StridedCopy copy(input.type);
    for (int i = 0; i < shape.rank(); ++i) {
      copy.AddAxis(shape[i], from[static_cast<size_t>((*perm)[i])], to[static_cast<size_t>(i)]);
    }
    copy.Run(input.data, 0, output.data, 0, context.parallel());
    return OkStatus();
  }

 private:
  std::span<const int64_t> perm_;  // of the node, which outlives the kernel
};

}  // namespace

void RegisterTranspose(KernelRegistry& registry) {
  registry.Add({.name = "Transpose", .make = MakeKernel<Transpose>});
}

}  // namespace mullion::cpu
