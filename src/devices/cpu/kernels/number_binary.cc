// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/number_binary.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace mullion::cpu {

namespace {

using Op = operators::ElementwiseOp;

template <typename T>
T Divide(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  }
  return b == 0 ? T{0} : static_cast<T>(a / b);
}

// The remainder with the dividend's sign, as C has it.
template <typename T>
T Remainder(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return b == 0 ? T{0} : static_cast<T>(a % b);
}

// The remainder with the divisor's sign, as Python has it.
template <typename T>
T FlooredRemainder(T a, T b) {
  const T r = Remainder(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

template <typename T>
void IntegerRows(Op op, Operand<T> a, Operand<T> b, T* y, size_t count) {
  using U = std::make_unsigned_t<T>;
  // Two's complement: sums and products of unsigned numbers wrap, and have the same bits. Narrow
  // types are promoted to int, where a product of two 16-bit numbers would overflow: unsigned
  // again.
  using W = std::conditional_t<(sizeof(T) < 4), uint32_t, U>;
  switch (op) {
    case Op::kAdd:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return static_cast<T>(W(p) + W(q)); });
    case Op::kSub:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return static_cast<T>(W(p) - W(q)); });
    case Op::kMul:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return static_cast<T>(W(p) * W(q)); });
    case Op::kDiv:
      return ForOperandRows(a, b, y, count, Divide<T>);
    case Op::kMod:
      return ForOperandRows(a, b, y, count, FlooredRemainder<T>);
    case Op::kFmod:
      return ForOperandRows(a, b, y, count, Remainder<T>);
    case Op::kMin:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return q < p ? q : p; });
    case Op::kMax:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return q > p ? q : p; });
    case Op::kPRelu:
      return ForOperandRows(a, b, y, count,
                            [](T p, T q) { return p < 0 ? static_cast<T>(W(p) * W(q)) : p; });
    default:
      return;
  }
}

void DoubleRows(const operators::ElementwiseStep& step, Operand<double> a, Operand<double> b,
                double* y, size_t count) {
  switch (step.op) {
    case Op::kAdd:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return p + q; });
    case Op::kSub:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return p - q; });
    case Op::kMul:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return p * q; });
    case Op::kDiv:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return p / q; });
    case Op::kMin:
      return ForOperandRows(a, b, y, count,
                            [](double p, double q) { return p < q || p != p ? p : q; });
    case Op::kMax:
      return ForOperandRows(a, b, y, count,
                            [](double p, double q) { return p > q || p != p ? p : q; });
    case Op::kPow:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return std::pow(p, q); });
    case Op::kFmod:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return std::fmod(p, q); });
    case Op::kPRelu:
      return ForOperandRows(a, b, y, count, [](double p, double q) { return p < 0 ? p * q : p; });
    case Op::kSwiGlu: {
      const double alpha = step.alpha;
      return ForOperandRows(a, b, y, count, [alpha](double p, double q) {
        return p / (1 + std::exp(-alpha * p)) * q;
      });
    }
    default:
      return;
  }
}

}  // namespace

template <typename T>
void NumberBinary(const operators::ElementwiseStep& step, Operand<T> a, Operand<T> b, T* y,
                  size_t count) {
  if constexpr (std::is_same_v<T, double>) {
    DoubleRows(step, a, b, y, count);
  } else if constexpr (std::is_same_v<T, float>) {
    if (step.op == Op::kPow) {
      ForOperandRows(a, b, y, count, [](float p, float q) { return std::pow(p, q); });
    } else if (step.op == Op::kFmod) {
      ForOperandRows(a, b, y, count, [](float p, float q) { return std::fmod(p, q); });
    }
  } else {
    IntegerRows(step.op, a, b, y, count);
  }
}

template void NumberBinary(const operators::ElementwiseStep&, Operand<float>, Operand<float>,
                           float*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<double>, Operand<double>,
                           double*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<int8_t>, Operand<int8_t>,
                           int8_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<int16_t>, Operand<int16_t>,
                           int16_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<int32_t>, Operand<int32_t>,
                           int32_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<int64_t>, Operand<int64_t>,
                           int64_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<uint8_t>, Operand<uint8_t>,
                           uint8_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<uint16_t>, Operand<uint16_t>,
                           uint16_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<uint32_t>, Operand<uint32_t>,
                           uint32_t*, size_t);
template void NumberBinary(const operators::ElementwiseStep&, Operand<uint64_t>, Operand<uint64_t>,
                           uint64_t*, size_t);

}  // namespace mullion::cpu
