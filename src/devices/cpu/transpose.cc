// SPDX-License-Identifier: MIT
#include "operators/transpose.h"

#include <memory>

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

// The copy that a transposition is.
struct TransposePlan final : public BoundState {
  TransposePlan(ElementType type, const Shape& input, const IntList& perm) : copy(type) {
    for (const int64_t axis : perm) shape.Append(input[static_cast<int>(axis)]);
    const auto from = RowMajorStrides(input);
    const auto to = RowMajorStrides(shape);
    for (int i = 0; i < shape.rank(); ++i) {
      copy.AddAxis(shape[i], from[static_cast<size_t>(perm[i])], to[static_cast<size_t>(i)]);
    }
  }

  Shape shape;
  StridedCopy copy;
};

class Transpose final : public Executable {
 public:
  explicit Transpose(const Node& node) : perm_(node.IntsAttribute("perm")) {}

  Status Bind(BindContext& context) const override {
    const BindContext::Port& input = *context.input(0);
    const Result<IntList> perm = operators::TransposePermutation(perm_, input.shape.rank());
    if (!perm.ok()) return context.node().Error(perm.status().code(), perm.status().message());
    if (KeepsOrder(input.shape, *perm)) context.GiveView();
    context.SetState(std::make_unique<TransposePlan>(input.type, input.shape, *perm));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TransposePlan& plan = *context.state<TransposePlan>();
    const void* const input = context.Input(0).data;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, plan.shape));
    plan.copy.Run(input, 0, output.data, 0, context.parallel());
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
