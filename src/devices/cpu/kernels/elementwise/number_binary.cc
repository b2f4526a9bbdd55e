// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/number_binary.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/double_function.h"
#include "devices/cpu/kernels/elementwise/spread_operand.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/number_binary.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

#if MULLION_IS_OF_TWO_COPIES

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Op = operators::ElementwiseOp;

// What the compiler makes vector code of, if it stands alone.
template <typename T, typename Function>
HWY_NOINLINE void VectorRow(const T* a, const T* b, T* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = function(a[i], b[i]); });
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

// kAdd, kSub, kMul, kMin and kMax.
template <typename T>
void IntegerRow(Op op, const void* a, const void* b, void* y, size_t count) {
  using U = std::make_unsigned_t<T>;
  if (op != Op::kMin && op != Op::kMax) {
    return WrappingRow(op, static_cast<const U*>(a), static_cast<const U*>(b), static_cast<U*>(y),
                       count);
  }
  const auto* const p = static_cast<const T*>(a);
  const auto* const q = static_cast<const T*>(b);
  if (op == Op::kMin) {
    VectorRow(p, q, static_cast<T*>(y), count, [](T v, T w) { return w < v ? w : v; });
  } else {
    VectorRow(p, q, static_cast<T*>(y), count, [](T v, T w) { return w > v ? w : v; });
  }
}

void IntegerRows(Op op, ElementType type, const void* a, const void* b, void* y, size_t count) {
  DispatchType(IntegerTypes{}, type,
               [&](auto tag) { IntegerRow<typename decltype(tag)::type>(op, a, b, y, count); });
}

template <typename T, typename Function>
HWY_NOINLINE void UnaryVectorRow(const T* x, T* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = function(x[i]); });
}

// kAbs, kNeg, kSign and kRelu of signed numbers; the opposite of the smallest is itself.
template <typename T>
void SignedRow(Op op, const T* x, T* y, size_t count) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case Op::kAbs:
      return UnaryVectorRow(
          x, y, count, [](T v) { return v < 0 ? static_cast<T>(U{0} - static_cast<U>(v)) : v; });
    case Op::kNeg:
      return UnaryVectorRow(x, y, count,
                            [](T v) { return static_cast<T>(U{0} - static_cast<U>(v)); });
    case Op::kSign:
      return UnaryVectorRow(x, y, count, [](T v) { return static_cast<T>((v > 0) - (v < 0)); });
    default:
      return UnaryVectorRow(x, y, count, [](T v) { return v < 0 ? T{0} : v; });
  }
}

void SignedRows(Op op, ElementType type, const void* x, void* y, size_t count) {
  DispatchType(SignedTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    SignedRow(op, static_cast<const T*>(x), static_cast<T*>(y), count);
  });
}

// min(max(x, low), high)
template <typename T>
HWY_NOINLINE void IntegerClipRow(const T* x, T* y, size_t count, T low, T high) {
  ForElements(count, [=](size_t i) {
    const T raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  });
}

void IntegerClipRows(ElementType type, const void* x, void* y, size_t count, const void* low,
                     const void* high) {
  DispatchType(IntegerTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    IntegerClipRow<T>(
        static_cast<const T*>(x), static_cast<T*>(y), count,
        low == nullptr ? std::numeric_limits<T>::min() : *static_cast<const T*>(low),
        high == nullptr ? std::numeric_limits<T>::max() : *static_cast<const T*>(high));
  });
}

// Quotients of 32 bits by way of double, whose 53 bits give their whole part exactly.
HWY_INLINE int32_t Quotient(int32_t p, int32_t q) {
  const bool usual = q != 0 && q != -1;
  const double above = usual ? p : 0;
  const double below = usual ? q : 1;
  const auto opposite = static_cast<int32_t>(q == -1 ? 0u - static_cast<uint32_t>(p) : 0u);
  return static_cast<int32_t>(above / below) | opposite;  // one of them is 0
}

HWY_INLINE int32_t Remainder(int32_t p, int32_t q) {
  const auto less = static_cast<uint32_t>(Quotient(p, q)) * static_cast<uint32_t>(q);
  return q == 0 ? 0 : static_cast<int32_t>(static_cast<uint32_t>(p) - less);
}

// kDiv, kMod and kFmod.
void Int32Quotients(Op op, const int32_t* a, const int32_t* b, int32_t* y, size_t count) {
  if (op == Op::kDiv) {
    return VectorRow(a, b, y, count, [](int32_t p, int32_t q) HWY_ATTR { return Quotient(p, q); });
  }
  if (op == Op::kFmod) {
    return VectorRow(a, b, y, count, [](int32_t p, int32_t q) HWY_ATTR { return Remainder(p, q); });
  }
  VectorRow(a, b, y, count, [](int32_t p, int32_t q) HWY_ATTR {
    const int32_t r = Remainder(p, q);
    return r != 0 && (r ^ q) < 0 ? r + q : r;  // which cannot overflow
  });
}

// The remainder with the dividend's sign, exact. With a fused multiply-add: where the rounded
// quotient is below 2^52, its whole part q is right or one too large, the latter only where the
// quotient was rounded up to an integer; so x - q y is exact, and so is y more.
void DoubleRemainders(const double* a, const double* b, double* y, size_t count) {
#if HWY_NATIVE_FMA && HWY_HAVE_FLOAT64
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  const auto least = hn::Set(d, std::numeric_limits<double>::min());
  const auto most = hn::Set(d, std::numeric_limits<double>::max());
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto p = LoadFirst(d, a + i, n);
    const auto x = hn::Abs(p);
    const auto by = hn::Abs(LoadFirstOr(d, b + i, n, most));
    const auto quotient = hn::Div(x, by);
    auto r = hn::NegMulAdd(hn::Trunc(quotient), by, x);
    r = hn::IfThenElse(hn::Lt(r, hn::Zero(d)), hn::Add(r, by), r);
    const auto usual =
        hn::And(hn::Lt(quotient, hn::Set(d, 0x1p52)), hn::And(hn::Ge(by, least), hn::Le(by, most)));
    if (HWY_LIKELY(hn::AllTrue(d, usual))) {
      StoreFirst(hn::CopySign(r, p), d, y + i, n);
    } else {
      for (size_t k = i; k < i + n; ++k) y[k] = std::fmod(a[k], b[k]);
    }
  }
#else
  for (size_t i = 0; i < count; ++i) y[i] = std::fmod(a[i], b[i]);
#endif
}

void DoubleRows(Op op, const double* a, const double* b, double* y, size_t count) {
  switch (op) {
    case Op::kAdd:
      return VectorRow(a, b, y, count, [](double p, double q) { return p + q; });
    case Op::kSub:
      return VectorRow(a, b, y, count, [](double p, double q) { return p - q; });
    case Op::kMul:
      return VectorRow(a, b, y, count, [](double p, double q) { return p * q; });
    case Op::kDiv:
      return VectorRow(a, b, y, count, [](double p, double q) { return p / q; });
    case Op::kMin:
      return VectorRow(a, b, y, count, [](double p, double q) {
        return p != p ? p : p < q ? p : q;
      });
    case Op::kMax:
      return VectorRow(a, b, y, count, [](double p, double q) {
        return p != p ? p : p > q ? p : q;
      });
    case Op::kPRelu:
      return VectorRow(a, b, y, count, [](double p, double q) { return p < 0 ? p * q : p; });
    default:
      return DoubleRemainders(a, b, y, count);
  }
}

// Elsewhere quotients of doubles are slower than those of integers.
constexpr bool kDividesByDoubles = HWY_NATIVE_FMA && HWY_HAVE_FLOAT64;

// Whether none of the numbers is outside -bias to 2^53 - bias.
bool FitDoubles(const uint64_t* a, const uint64_t* b, size_t count, uint64_t bias) {
  if (!kDividesByDoubles) return false;
  uint64_t bits = 0;
  for (size_t i = 0; i < count; ++i) bits |= (a[i] + bias) | (b[i] + bias);
  return bits >> 53 == 0;
}

// kDiv, kMod and kFmod of whole numbers below 2^53 in size, whose quotients round to no integer
// that they do not reach. What is divided by zero gives 0 or NaN.
void WholeQuotients(Op op, const double* a, const double* b, double* y, size_t count) {
  if (!kDividesByDoubles) return;
  if (op == Op::kDiv) {
    return VectorRow(a, b, y, count, [](double p, double q) { return q == 0 ? 0 : p / q; });
  }
  DoubleRemainders(a, b, y, count);
  if (op == Op::kFmod) return;
  VectorRow(y, b, y, count,
            [](double r, double q) { return r != 0 && (r < 0) != (q < 0) ? r + q : r; });
}

// At most a part of numbers. All are squared, and those multiplied with whose exponent has the bit.
void PowerRow(const int64_t* base, const int64_t* exponent, int64_t* y, size_t count) {
  uint64_t squares[SpreadOperand<uint64_t>::kPart];
  uint64_t exponents[SpreadOperand<uint64_t>::kPart];
  uint64_t powers[SpreadOperand<uint64_t>::kPart];
  uint64_t* const square = squares;
  uint64_t* const left = exponents;
  uint64_t* const power = powers;
  // Reciprocals of 1 and -1 are these to the exponent's lowest bit, others 0 to 1.
  ForElements(count, [=](size_t i) {
    const auto b = static_cast<uint64_t>(base[i]);
    const auto e = static_cast<uint64_t>(exponent[i]);
    const uint64_t below = exponent[i] < 0 ? ~uint64_t{0} : 0;
    const uint64_t other = ((b + 1) & ~uint64_t{2}) != 0 ? below : 0;
    square[i] = b & ~other;
    left[i] = (e & (~below | 1)) | (other & 1);
    power[i] = 1;
  });
  uint64_t bits = 0;
  for (size_t i = 0; i < count; ++i) bits |= left[i];
  for (; bits != 0; bits >>= 1) {
    ForElements(count, [=](size_t i) {
      power[i] *= 1 + ((square[i] - 1) & (0 - (left[i] & 1)));
      square[i] *= square[i];
      left[i] >>= 1;
    });
  }
  std::memcpy(y, power, count * sizeof(*y));
}

void ScaleShiftDoubleRow(const double* x, double* y, size_t count, double scale, double shift) {
  ForElements(count, [=](size_t i) { y[i] = x[i] * scale + shift; });
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

namespace {

using Op = operators::ElementwiseOp;

// What is done one by one.
template <typename T, typename Function>
void PlainRow(const T* a, const T* b, T* y, size_t count, Function function) {
  for (size_t i = 0; i < count; ++i) y[i] = function(a[i], b[i]);
}

template <typename T>
T Divide(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  }
  return b == 0 ? T{0} : static_cast<T>(a / b);
}

// The remainder with the dividend's sign, as C has it.
template <typename T>
T PlainRemainder(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return b == 0 ? T{0} : static_cast<T>(a % b);
}

// The remainder with the divisor's sign, as Python has it.
template <typename T>
T FlooredRemainder(T a, T b) {
  const T r = PlainRemainder(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

template <typename T>
void PlainQuotients(Op op, const T* a, const T* b, T* y, size_t count) {
  if (op == Op::kDiv) return PlainRow(a, b, y, count, Divide<T>);
  if (op == Op::kMod) return PlainRow(a, b, y, count, FlooredRemainder<T>);
  PlainRow(a, b, y, count, PlainRemainder<T>);
}

// By way of double, of integers wider than int32. Not if some number is too large for it, or there
// are so few that it does not pay.
bool DoubleQuotients(Op op, ElementType type, const void* a, const void* b, void* y, size_t count) {
  const uint64_t bias = Contains(types::kSigned, type) ? uint64_t{1} << 52 : 0;
  const size_t checked = ElementBits(type) == 64 ? count : 0;
  if (count < 32 ||
      !MULLION_TWO_COPIES_CALL(FitDoubles)(static_cast<const uint64_t*>(a),
                                           static_cast<const uint64_t*>(b), checked, bias)) {
    return false;
  }
  double real_a[SpreadOperand<uint32_t>::kPart];
  double real_b[SpreadOperand<uint32_t>::kPart];
  ConvertElements(type, a, ElementType::kDouble, real_a, count);
  ConvertElements(type, b, ElementType::kDouble, real_b, count);
  MULLION_TWO_COPIES_CALL(WholeQuotients)(op, real_a, real_b, real_a, count);
  ConvertElements(ElementType::kDouble, real_a, type, y, count);
  return true;
}

// kDiv, kMod and kFmod of parts of 2 KiB at most. Numbers of 8 and 16 bits become int32 first.
void IntegerQuotients(Op op, ElementType type, const void* a, const void* b, void* y,
                      size_t count) {
  using Wide = TypeList<uint32_t, int64_t, uint64_t>;
  const bool wide = DispatchType(Wide{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (DoubleQuotients(op, type, a, b, y, count)) return;
    PlainQuotients(op, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y),
                   count);
  });
  if (wide) return;
  const auto quotients = MULLION_TWO_COPIES_CALL(Int32Quotients);
  if (type == ElementType::kInt32) {
    return quotients(op, static_cast<const int32_t*>(a), static_cast<const int32_t*>(b),
                     static_cast<int32_t*>(y), count);
  }
  int32_t wide_a[SpreadOperand<uint8_t>::kPart];
  int32_t wide_b[SpreadOperand<uint8_t>::kPart];
  ConvertElements(type, a, ElementType::kInt32, wide_a, count);
  ConvertElements(type, b, ElementType::kInt32, wide_b, count);
  quotients(op, wide_a, wide_b, wide_a, count);
  ConvertElements(ElementType::kInt32, wide_a, type, y, count);
}

void DoublePart(const operators::ElementwiseStep& step, const double* a, const double* b, double* y,
                size_t count) {
  if (step.op == Op::kPow) {
    if (DoublePower({a, 1}, {b, 1}, y, count)) return;
    return PlainRow(a, b, y, count, [](double p, double q) { return std::pow(p, q); });
  }
  if (step.op == Op::kSwiGlu) {
    double gates[SpreadOperand<double>::kPart];
    const operators::ElementwiseStep gate = {Op::kSwish, step.alpha};
    if (!DoubleFunction(gate, a, gates, count)) {
      const double alpha = step.alpha;
      PlainRow(a, b, gates, count,
               [alpha](double p, double /*q*/) { return p / (1 + std::exp(-alpha * p)); });
    }
    return MULLION_TWO_COPIES_CALL(DoubleRows)(Op::kMul, gates, b, y, count);
  }
  MULLION_TWO_COPIES_CALL(DoubleRows)(step.op, a, b, y, count);
}

void FloatPart(Op op, const float* a, const float* b, float* y, size_t count) {
  if (op == Op::kPow) {
    PlainRow(a, b, y, count, [](float p, float q) { return std::pow(p, q); });
  } else if (op == Op::kFmod) {
    PlainRow(a, b, y, count, [](float p, float q) { return std::fmod(p, q); });
  }
}

void Part(const operators::ElementwiseStep& step, ElementType type, const void* a, const void* b,
          void* y, size_t count) {
  if (type == ElementType::kDouble) {
    return DoublePart(step, static_cast<const double*>(a), static_cast<const double*>(b),
                      static_cast<double*>(y), count);
  }
  if (type == ElementType::kFloat) {
    return FloatPart(step.op, static_cast<const float*>(a), static_cast<const float*>(b),
                     static_cast<float*>(y), count);
  }
  if (step.op == Op::kDiv || step.op == Op::kMod || step.op == Op::kFmod) {
    return IntegerQuotients(step.op, type, a, b, y, count);
  }
  if (step.op == Op::kPow) {
    return MULLION_TWO_COPIES_CALL(PowerRow)(static_cast<const int64_t*>(a),
                                             static_cast<const int64_t*>(b),
                                             static_cast<int64_t*>(y), count);
  }
  MULLION_TWO_COPIES_CALL(IntegerRows)(step.op, type, a, b, y, count);
}

template <typename U>
void NumberBinaryOf(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                    AnyOperand b, U* y, size_t count) {
  ForContiguousParts(a.As<U>(), b.As<U>(), count,
                     [&](const U* p, const U* q, size_t begin, size_t n) {
                       Part(step, type, p, q, y + begin, n);
                     });
}

}  // namespace

void SignedUnary(operators::ElementwiseOp op, ElementType type, const void* x, void* y,
                 size_t count) {
  MULLION_TWO_COPIES_CALL(SignedRows)(op, type, x, y, count);
}

void IntegerClip(ElementType type, const void* x, void* y, size_t count, const void* low,
                 const void* high) {
  MULLION_TWO_COPIES_CALL(IntegerClipRows)(type, x, y, count, low, high);
}

void ScaleShiftDoubles(const double* x, double* y, size_t count, double scale, double shift) {
  MULLION_TWO_COPIES_CALL(ScaleShiftDoubleRow)(x, y, count, scale, shift);
}

// Spread by the size of elements alone.
void NumberBinary(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                  AnyOperand b, void* y, size_t count) {
  switch (ElementBits(type)) {
    case 8:
      return NumberBinaryOf(step, type, a, b, static_cast<uint8_t*>(y), count);
    case 16:
      return NumberBinaryOf(step, type, a, b, static_cast<uint16_t*>(y), count);
    case 32:
      return NumberBinaryOf(step, type, a, b, static_cast<uint32_t*>(y), count);
    default:
      return NumberBinaryOf(step, type, a, b, static_cast<uint64_t*>(y), count);
  }
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
