// SPDX-License-Identifier: MIT
// Pow, whose base and exponent may be of different types. The result has the base's.
#include <algorithm>

#include "base/element_traits.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::ElementwiseOp;

ElementType TypeOf(const Node& node, int input) { return node.input(input)->type.element_type; }
size_t BytesOf(const Node& node, int input) {
  return static_cast<size_t>(ElementBits(TypeOf(node, input))) / 8;
}

// The type in which the power is computed: integers of any width in int64, whose low bits are
// right for all of them.
ElementType ComputeTypeFor(ElementType base, ElementType exponent) {
  if (base == ElementType::kDouble) return base;
  if (IsFloatingPoint(base)) return ElementType::kFloat;
  return IsInteger(exponent) ? ElementType::kInt64 : ElementType::kDouble;
}

class Pow final : public BroadcastKernel {
 public:
  explicit Pow(const Node& node)
      : BroadcastKernel({BytesOf(node, 0), BytesOf(node, 1)}, BytesOf(node, 0), 4096, 1),
        base_(TypeOf(node, 0)),
        exponent_(TypeOf(node, 1)),
        compute_(ComputeTypeFor(base_, exponent_)) {}

 private:
  static constexpr size_t kTile = 512;

  // The part [begin, begin + count) of an operand in the type of the computation.
  AnyOperand Widen(AnyOperand operand, ElementType type, size_t begin, size_t count,
                   void* tile) const {
    const size_t first = operand.step == 0 ? 0 : begin;
    const auto* const from =
        static_cast<const std::byte*>(operand.data) + ByteSize(type, static_cast<int64_t>(first));
    if (type == compute_) return {from, operand.step};
    ConvertElements(type, from, compute_, tile, operand.step == 0 ? 1 : count);
    return {tile, operand.step};
  }

  // Squares and cubes, which models have, are products. 0 for other exponents and types.
  int FewFactors(AnyOperand exponent) const {
    const bool wraps = IsInteger(base_) && IsInteger(exponent_);
    if (exponent.step != 0 || !(wraps || base_ == ElementType::kDouble)) return 0;
    double power = 0;
    ConvertElements(exponent_, exponent.data, ElementType::kDouble, &power, 1);
    return power == 2 ? 2 : power == 3 ? 3 : 0;
  }

  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    alignas(64) double base_tile[kTile];
    alignas(64) double exponent_tile[kTile];
    alignas(64) double result[kTile];
    const int factors = FewFactors(operands[1]);
    const size_t bytes = ByteSize(base_, 1);
    for (size_t begin = 0; begin < count; begin += kTile) {
      const size_t n = std::min(kTile, count - begin);
      if (factors > 0) {
        const AnyOperand x{static_cast<const std::byte*>(operands[0].data) + begin * bytes, 1};
        void* const power = static_cast<std::byte*>(y) + begin * bytes;
        void* const square = factors == 2 ? power : result;
        BinaryElements({ElementwiseOp::kMul}, base_, x, x, square, n);
        if (factors == 3) BinaryElements({ElementwiseOp::kMul}, base_, {square, 1}, x, power, n);
        continue;
      }
      const AnyOperand base = Widen(operands[0], base_, begin, n, base_tile);
      const AnyOperand exponent = Widen(operands[1], exponent_, begin, n, exponent_tile);
      auto* const out = static_cast<std::byte*>(y) + ByteSize(base_, static_cast<int64_t>(begin));
      BinaryElements({ElementwiseOp::kPow}, compute_, base, exponent,
                     compute_ == base_ ? static_cast<void*>(out) : result, n);
      if (compute_ != base_) ConvertElements(compute_, result, base_, out, n);
    }
  }

  ElementType base_;
  ElementType exponent_;
  ElementType compute_;
};

}  // namespace

void RegisterPow(KernelRegistry& registry) {
  registry.Add({.name = "Pow", .types = types::kNumeric, .make = MakeKernel<Pow>});
}

}  // namespace mullion::cpu
