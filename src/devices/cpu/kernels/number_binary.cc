// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/number_binary.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "devices/cpu/kernels/for_elements.h"

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

// What the compiler makes vector code of, if it stands alone.
template <typename T, typename Function>
[[gnu::noinline]] void VectorRow(const T* a, const T* b, T* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = function(a[i], b[i]); });
}

// What it does one by one.
template <typename T, typename Function>
void PlainRow(const T* a, const T* b, T* y, size_t count, Function function) {
  for (size_t i = 0; i < count; ++i) y[i] = function(a[i], b[i]);
}

// Two's complement: sums and products of unsigned numbers wrap, and have the same bits. Narrow
// types are promoted to int, where a product of two 16-bit numbers would overflow: unsigned again.
template <typename U>
using Wide = std::conditional_t<(sizeof(U) < 4), uint32_t, U>;

template <typename U>
void WrappingRow(Op op, const U* a, const U* b, U* y, size_t count) {
  using W = Wide<U>;
  if (op == Op::kAdd) {
    VectorRow(a, b, y, count, [](U p, U q) { return static_cast<U>(W(p) + W(q)); });
  } else if (op == Op::kSub) {
    VectorRow(a, b, y, count, [](U p, U q) { return static_cast<U>(W(p) - W(q)); });
  } else {
    VectorRow(a, b, y, count, [](U p, U q) { return static_cast<U>(W(p) * W(q)); });
  }
}

template <typename T>
void IntegerRow(Op op, const T* a, const T* b, T* y, size_t count) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
      return WrappingRow(op, reinterpret_cast<const U*>(a), reinterpret_cast<const U*>(b),
                         reinterpret_cast<U*>(y), count);
    case Op::kDiv:
      return PlainRow(a, b, y, count, Divide<T>);
    case Op::kMod:
      return PlainRow(a, b, y, count, FlooredRemainder<T>);
    case Op::kFmod:
      return PlainRow(a, b, y, count, Remainder<T>);
    case Op::kMin:
      return VectorRow(a, b, y, count, [](T p, T q) { return q < p ? q : p; });
    case Op::kMax:
      return VectorRow(a, b, y, count, [](T p, T q) { return q > p ? q : p; });
    case Op::kPRelu:
      return PlainRow(a, b, y, count,
                      [](T p, T q) { return p < 0 ? static_cast<T>(Wide<U>(p) * Wide<U>(q)) : p; });
    default:
      return;
  }
}

void DoubleRow(const operators::ElementwiseStep& step, const double* a, const double* b, double* y,
               size_t count) {
  switch (step.op) {
    case Op::kAdd:
      return VectorRow(a, b, y, count, [](double p, double q) { return p + q; });
    case Op::kSub:
      return VectorRow(a, b, y, count, [](double p, double q) { return p - q; });
    case Op::kMul:
      return VectorRow(a, b, y, count, [](double p, double q) { return p * q; });
    case Op::kDiv:
      return VectorRow(a, b, y, count, [](double p, double q) { return p / q; });
    case Op::kMin:
      return VectorRow(a, b, y, count, [](double p, double q) { return p < q || p != p ? p : q; });
    case Op::kMax:
      return VectorRow(a, b, y, count, [](double p, double q) { return p > q || p != p ? p : q; });
    case Op::kPow:
      return PlainRow(a, b, y, count, [](double p, double q) { return std::pow(p, q); });
    case Op::kFmod:
      return PlainRow(a, b, y, count, [](double p, double q) { return std::fmod(p, q); });
    case Op::kPRelu:
      return VectorRow(a, b, y, count, [](double p, double q) { return p < 0 ? p * q : p; });
    case Op::kSwiGlu: {
      const double alpha = step.alpha;
      return PlainRow(a, b, y, count,
                      [alpha](double p, double q) { return p / (1 + std::exp(-alpha * p)) * q; });
    }
    default:
      return;
  }
}

void FloatRow(Op op, const float* a, const float* b, float* y, size_t count) {
  if (op == Op::kPow) {
    PlainRow(a, b, y, count, [](float p, float q) { return std::pow(p, q); });
  } else if (op == Op::kFmod) {
    PlainRow(a, b, y, count, [](float p, float q) { return std::fmod(p, q); });
  }
}

}  // namespace

template <typename T>
void NumberBinary(const operators::ElementwiseStep& step, Operand<T> a, Operand<T> b, T* y,
                  size_t count) {
  ForContiguousParts(a, b, count, [&](const T* p, const T* q, size_t begin, size_t n) {
    if constexpr (std::is_same_v<T, double>) {
      DoubleRow(step, p, q, y + begin, n);
    } else if constexpr (std::is_same_v<T, float>) {
      FloatRow(step.op, p, q, y + begin, n);
    } else {
      IntegerRow(step.op, p, q, y + begin, n);
    }
  });
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
