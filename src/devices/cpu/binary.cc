// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "base/element_traits.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/convert.h"
#include "devices/cpu/kernels/elements.h"
#include "devices/cpu/registry.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

namespace {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

size_t BytesOf(ElementType type) { return static_cast<size_t>(ElementBits(type)) / 8; }

ElementType TypeOf(const Node& node, int input) { return node.input(input)->type.element_type; }

// Elements that one thread takes at once: some ten microseconds of work.
int64_t ChunkOf(ElementwiseOp op) {
  switch (op) {
    case ElementwiseOp::kPow:
    case ElementwiseOp::kMod:
    case ElementwiseOp::kFmod:
      return 2048;
    case ElementwiseOp::kSwiGlu:
      return 16384;
    default:
      return 32768;
  }
}

// Operators of exactly two operands of one type.
class Binary final : public BroadcastKernel {
 public:
  explicit Binary(const Node& node)
      : BroadcastKernel({BytesOf(TypeOf(node, 0)), BytesOf(TypeOf(node, 0))},
                        BytesOf(TypeOf(node, 0)), ChunkOf(operators::ElementwiseStepOf(node)->op),
                        2),
        step_(*operators::ElementwiseStepOf(node)),
        type_(TypeOf(node, 0)) {}

 private:
  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    BinaryElements(step_, type_, operands[0], operands[1], y, count);
  }

  ElementwiseStep step_;
  ElementType type_;
};

// Min, Max, Sum and Mean of any number of operands, one after the other. The output may take the
// place of the first two, which are read before it is written.
class Variadic final : public BroadcastKernel {
 public:
  explicit Variadic(const Node& node)
      : BroadcastKernel(std::vector<size_t>(node.inputs().size(), BytesOf(TypeOf(node, 0))),
                        BytesOf(TypeOf(node, 0)), 32768, 2),
        type_(TypeOf(node, 0)),
        mean_(node.operator_name() == "Mean") {
    step_.op = node.operator_name() == "Min"   ? ElementwiseOp::kMin
               : node.operator_name() == "Max" ? ElementwiseOp::kMax
                                               : ElementwiseOp::kAdd;
    const auto inputs = static_cast<float>(node.input_count());
    ConvertElements(ElementType::kFloat, &inputs, type_, &divisor_, 1);
  }

 private:
  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    uint64_t one = 0;  // the result as long as it is one element for all
    AnyOperand sum = operands[0];
    for (size_t k = 1; k < operands.size(); ++k) {
      if (sum.step == 0 && operands[k].step == 0) {
        BinaryElements(step_, type_, {sum.data, 1}, {operands[k].data, 1}, &one, 1);
        sum = {&one, 0};
      } else {
        BinaryElements(step_, type_, sum, operands[k], y, count);
        sum = {y, 1};
      }
    }
    if (operands.size() == 1 && sum.data != y) std::memcpy(y, sum.data, count * BytesOf(type_));
    if (mean_) {
      BinaryElements({ElementwiseOp::kDiv}, type_, {y, 1}, {&divisor_, 0}, y, count);
    }
  }

  ElementwiseStep step_{ElementwiseOp::kAdd};
  ElementType type_;
  bool mean_;
  uint64_t divisor_ = 0;  // one element of type_
};

constexpr std::string_view kBinary[] = {"Add", "Sub", "Mul", "Div", "Mod"};
constexpr std::string_view kVariadic[] = {"Min", "Max", "Sum", "Mean"};

}  // namespace

void RegisterBinary(KernelRegistry& registry) {
  for (const std::string_view name : kBinary) {
    registry.Add({.name = name, .types = types::kNumeric, .make = MakeKernel<Binary>});
  }
  for (const std::string_view name : kVariadic) {
    registry.Add({.name = name, .types = types::kNumeric, .make = MakeKernel<Variadic>});
  }
  registry.Add({.name = "PRelu", .types = types::kNumeric, .make = MakeKernel<Binary>});
  registry.Add({.name = "SwiGLU", .types = types::kAllFloats, .make = MakeKernel<Binary>});
}

}  // namespace mullion::cpu
