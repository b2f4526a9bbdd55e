// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "base/element_traits.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/elements.h"
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

// Min, Max, Sum and Mean of any number of operands, one after the other, so many elements at a time
// that they stay in the level 1 cache. The output may take the place of the first two, which are
// read before it is written.
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
    auto inputs = static_cast<float>(node.input_count());
    // Times the reciprocal of a power of two is the same to the bit, and faster.
    const bool halves = (node.input_count() & (node.input_count() - 1)) == 0;
    if (halves && Contains(types::kFloatDouble, type_)) {
      scale_.op = ElementwiseOp::kMul;
      inputs = 1 / inputs;
    }
    ConvertElements(ElementType::kFloat, &inputs, type_, &factor_, 1);
  }

 private:
  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    constexpr size_t kTile = 2048;
    for (size_t begin = 0; begin < count; begin += kTile) {
      Join(operands, begin, std::min(kTile, count - begin),
           static_cast<std::byte*>(y) + begin * BytesOf(type_));
    }
  }

  // `count` elements from `begin` on; y is where the first of them goes.
  void Join(std::span<const AnyOperand> operands, size_t begin, size_t count, void* y) const {
    const auto part = [&](const AnyOperand& whole) {
      const size_t offset = whole.step == 0 ? 0 : begin * BytesOf(type_);
      return AnyOperand{static_cast<const std::byte*>(whole.data) + offset, whole.step};
    };
    uint64_t one = 0;  // the result as long as it is one element for all
    AnyOperand sum = part(operands[0]);
    for (size_t k = 1; k < operands.size(); ++k) {
      const AnyOperand next = part(operands[k]);
      if (sum.step == 0 && next.step == 0) {
        BinaryElements(step_, type_, {sum.data, 1}, {next.data, 1}, &one, 1);
        sum = {&one, 0};
      } else {
        BinaryElements(step_, type_, sum, next, y, count);
        sum = {y, 1};
      }
    }
    if (operands.size() == 1 && sum.data != y) std::memcpy(y, sum.data, count * BytesOf(type_));
    if (mean_) BinaryElements(scale_, type_, {y, 1}, {&factor_, 0}, y, count);
  }

  ElementwiseStep step_{ElementwiseOp::kAdd};
  ElementwiseStep scale_{ElementwiseOp::kDiv};
  ElementType type_;
  bool mean_;
  uint64_t factor_ = 0;  // of a mean; one element of type_
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
