// SPDX-License-Identifier: MIT
// Operations on truth values and on bits.
#include <cstdint>

#include "base/element_traits.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/elementwise/spread_operand.h"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

enum class BitOp : uint8_t { kAnd, kOr, kXor, kShiftLeft, kShiftRight };

ElementType TypeOf(const Node& node) { return node.input(0)->type.element_type; }

BitOp BitOpOf(const Node& node) {
  const std::string_view name = node.operator_name();
  if (name == "BitShift") {
    return node.StringAttribute("direction", "") == "LEFT" ? BitOp::kShiftLeft : BitOp::kShiftRight;
  }
  if (name == "And" || name == "BitwiseAnd") return BitOp::kAnd;
  return name == "Or" || name == "BitwiseOr" ? BitOp::kOr : BitOp::kXor;
}

// Shifting by the width of T or more gives 0. Instruction sets do not shift elements of one or two
// bytes by numbers of their own: those are shifted by 1, 2, 4 and 8, each or not.
template <typename T, typename By>
T Shift(T p, T q, By by) {
  constexpr T kWidth = sizeof(T) * 8;
  if constexpr (sizeof(T) > 2) return q < kWidth ? by(p, q) : T{0};
  p = (q & 1) != 0 ? by(p, 1) : p;
  p = (q & 2) != 0 ? by(p, 2) : p;
  p = (q & 4) != 0 ? by(p, 4) : p;
  if constexpr (sizeof(T) == 2) p = (q & 8) != 0 ? by(p, 8) : p;
  return q < kWidth ? p : T{0};
}

// T is unsigned.
template <typename T, typename Function>
void BitRow(const T* a, const T* b, T* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = static_cast<T>(function(a[i], b[i])); });
}

template <typename T>
void BitRows(BitOp op, Operand<T> a, Operand<T> b, T* y, size_t count) {
  ForContiguousParts(a, b, count, [=](const T* p, const T* q, size_t begin, size_t n) {
    switch (op) {
      case BitOp::kAnd:
        return BitRow(p, q, y + begin, n, [](T v, T w) { return v & w; });
      case BitOp::kOr:
        return BitRow(p, q, y + begin, n, [](T v, T w) { return v | w; });
      case BitOp::kXor:
        return BitRow(p, q, y + begin, n, [](T v, T w) { return v ^ w; });
      case BitOp::kShiftLeft:
        return BitRow(p, q, y + begin, n, [](T v, T w) {
          return Shift(v, w, [](T x, T by) { return static_cast<T>(x << by); });
        });
      case BitOp::kShiftRight:
        return BitRow(p, q, y + begin, n, [](T v, T w) {
          return Shift(v, w, [](T x, T by) { return static_cast<T>(x >> by); });
        });
    }
  });
}

// And, Or, Xor on bool (bytes of 0 or 1), and their bitwise kin on integers.
class BitKernel final : public BroadcastKernel {
 public:
  explicit BitKernel(const Node& node)
      : BroadcastKernel({ByteSize(TypeOf(node), 1), ByteSize(TypeOf(node), 1)},
                        ByteSize(TypeOf(node), 1), 65536, 2),
        op_(BitOpOf(node)),
        bytes_(ByteSize(TypeOf(node), 1)) {}

 private:
  template <typename T>
  void ComputeAs(std::span<const AnyOperand> operands, void* y, size_t count) const {
    BitRows<T>(op_, operands[0].As<T>(), operands[1].As<T>(), static_cast<T*>(y), count);
  }

  void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const override {
    switch (bytes_) {
      case 1:
        return ComputeAs<uint8_t>(operands, y, count);
      case 2:
        return ComputeAs<uint16_t>(operands, y, count);
      case 4:
        return ComputeAs<uint32_t>(operands, y, count);
      default:
        return ComputeAs<uint64_t>(operands, y, count);
    }
  }

  BitOp op_;
  size_t bytes_;
};

}  // namespace

void RegisterLogical(KernelRegistry& registry) {
  for (const std::string_view name : {"And", "Or", "Xor"}) {
    registry.Add({.name = name, .types = types::kBool, .make = MakeKernel<BitKernel>});
  }
  for (const std::string_view name : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
    registry.Add({.name = name, .types = types::kIntegers, .make = MakeKernel<BitKernel>});
  }
  registry.Add({.name = "BitShift", .types = types::kUnsigned, .make = MakeKernel<BitKernel>});
}

}  // namespace mullion::cpu
