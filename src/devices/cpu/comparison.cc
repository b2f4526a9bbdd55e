// SPDX-License-Identifier: MIT
#include <string>

#include "devices/cpu/broadcast.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/elementwise/compare.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

ElementType TypeOf(const Node& node) { return node.input(0)->type.element_type; }

CompareOp CompareOpOf(const Node& node) {
  const std::string_view name = node.operator_name();
  if (name == "Equal") return CompareOp::kEqual;
  return name == "Less" || name == "Greater" ? CompareOp::kLess : CompareOp::kLessOrEqual;
}

// Greater is Less with its operands exchanged.
bool IsExchanged(const Node& node) {
  return node.operator_name() == "Greater" || node.operator_name() == "GreaterOrEqual";
}

class Comparison final : public BroadcastKernel {
 public:
  explicit Comparison(const Node& node)
      : BroadcastKernel({ByteSize(TypeOf(node), 1), ByteSize(TypeOf(node), 1)}, 1, 65536, 2),
        op_(CompareOpOf(node)),
        type_(TypeOf(node)),
        exchanged_(IsExchanged(node)) {}

 private:
  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    CompareElements(op_, type_, operands[exchanged_ ? 1 : 0], operands[exchanged_ ? 0 : 1],
                    static_cast<bool*>(y), count);
  }

  CompareOp op_;
  ElementType type_;
  bool exchanged_;
};

// Equal on strings, which are no plain memory that could be spread out in tiles.
class StringEqual final : public Executable {
 public:
  explicit StringEqual(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& a = context.Input(0);
    const TensorView& b = context.Input(1);
    const Shape shapes[] = {a.shape, b.shape};
    const std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
    if (!plan.has_value()) return context.Error("its inputs' shapes do not broadcast");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, plan->output));
    const BroadcastReader reader(*plan, 1);
    for (int64_t i = 0; i < plan->count; ++i) {
      y.as<bool>()[i] = a.as<std::string>()[reader.ElementAt(0, i)] ==
                        b.as<std::string>()[reader.ElementAt(1, i)];
    }
    return OkStatus();
  }
};

}  // namespace

void RegisterComparison(KernelRegistry& registry) {
  for (const std::string_view name : {"Less", "Greater", "LessOrEqual", "GreaterOrEqual"}) {
    registry.Add({.name = name, .types = types::kNumeric, .make = MakeKernel<Comparison>});
  }
  registry.Add(
      {.name = "Equal", .types = types::kNumeric | types::kBool, .make = MakeKernel<Comparison>});
  registry.Add({.name = "Equal", .types = types::kString, .make = MakeKernel<StringEqual>});
}

}  // namespace mullion::cpu
