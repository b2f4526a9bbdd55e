// SPDX-License-Identifier: MIT
#include "operators/transpose.h"

#include <memory>
#include <utility>

#include "base/packed.h"
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

// Elements of less than a byte are transposed as bytes: two of each in scratch memory, up to so
// many.
constexpr int64_t kSpreadElements = int64_t{4} << 20;

// The copy that a transposition is.
struct TransposePlan final : public BoundState {
  TransposePlan(ElementType type, const Shape& input, const IntList& perm)
      : spread(IsSubByte(type) && input.ElementCount() <= kSpreadElements),
        copy(spread ? ElementType::kUint8 : type) {
    for (const int64_t axis : perm) shape.Append(input[static_cast<int>(axis)]);
    const auto from = RowMajorStrides(input);
    const auto to = RowMajorStrides(shape);
    for (int i = 0; i < shape.rank(); ++i) {
      copy.AddAxis(shape[i], from[static_cast<size_t>(perm[i])], to[static_cast<size_t>(i)]);
    }
  }

  Shape shape;
  bool spread;
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
    auto plan = std::make_unique<TransposePlan>(input.type, input.shape, *perm);
    if (plan->spread) {
      context.RequestScratch(2 * static_cast<size_t>(input.shape.ElementCount()));
    }
    context.SetState(std::move(plan));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TransposePlan& plan = *context.state<TransposePlan>();
    const void* const input = context.Input(0).data;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, plan.shape));
    if (plan.spread) {
      TransposeSpread(context, plan, output);
    } else {
      plan.copy.Run(input, 0, output.data, 0, context.parallel());
    }
    return OkStatus();
  }

 private:
  static void TransposeSpread(const RunContext& context, const TransposePlan& plan,
                              const MutableTensorView& output) {
    constexpr int64_t kChunk = 64 * 1024;  // whole bytes
    const int64_t count = output.count();
    auto* const spread = static_cast<uint8_t*>(context.scratch());
    uint8_t* const turned = spread + count;
    const auto* const from = static_cast<const uint8_t*>(context.Input(0).data);
    context.parallel().For(count, kChunk, [&](int64_t begin, int64_t end, int) {
      UnpackElements(output.type, from + ByteSize(output.type, begin), spread + begin, end - begin);
    });
    plan.copy.Run(spread, 0, turned, 0, context.parallel());
    context.parallel().For(count, kChunk, [&](int64_t begin, int64_t end, int) {
      PackElements(output.type, turned + begin,
                   static_cast<uint8_t*>(output.data) + ByteSize(output.type, begin), end - begin);
    });
  }

  std::span<const int64_t> perm_;  // of the node, which outlives the kernel
};

}  // namespace

void RegisterTranspose(KernelRegistry& registry) {
  registry.Add({.name = "Transpose", .make = MakeKernel<Transpose>});
}

}  // namespace mullion::cpu
