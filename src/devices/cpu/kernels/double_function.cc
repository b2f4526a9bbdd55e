// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/double_function.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/double_function.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR

namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<double>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;

HWY_INLINE V Number(double value) { return hn::Set(D(), value); }

// c[0] + c[1] x + ...
template <size_t kCount>
HWY_INLINE V Polynomial(V x, const double (&c)[kCount]) {
  V sum = Number(c[kCount - 1]);
#pragma GCC unroll 16
  for (size_t i = 1; i < kCount; ++i) {
    sum = hn::MulAdd(sum, x, Number(c[kCount - 1 - i]));
  }
  return sum;
}

// log(2) in two parts: products of the first, which ends in 32 zeros, with exponents are exact.
constexpr double kLogTwoHigh = 0x1.62e42feep-1;
constexpr double kLogTwoLow = 0x1.a39ef35793c76p-33;

// 2^n of whole numbers from -1022 to 1023: added to 1.5 * 2^52 they are in the lowest bits.
HWY_INLINE V PowerOfTwo(V n) {
  const auto bits = hn::BitCast(DU(), hn::Add(n, Number(0x1.8p52 + 1023)));
  return hn::BitCast(D(), hn::ShiftLeft<52>(bits));
}

// e^x = 2^n (1 + small), |small| at most 0.42: the series of e^r - 1 up to r^13, r at most
// log(2)/2, leaves out less than 2^-57 of it.
struct ExpParts {
  V small;
  V n;
};
HWY_INLINE ExpParts PartsOfExp(V x) {
  constexpr double kSeries[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  const V n = hn::Round(hn::Mul(x, Number(1.4426950408889634)));
  const V r = hn::NegMulAdd(n, Number(kLogTwoLow), hn::NegMulAdd(n, Number(kLogTwoHigh), x));
  return {hn::MulAdd(hn::Mul(r, r), Polynomial(r, kSeries), r), n};
}

HWY_INLINE V KeepNan(V x, V y) { return hn::IfThenElse(hn::Eq(x, x), y, x); }

// In two steps, so that results may be infinite or below the normal numbers.
HWY_INLINE V Exp(V x) {
  const ExpParts parts = PartsOfExp(hn::Min(hn::Max(x, Number(-760)), Number(720)));
  const V half = hn::Floor(hn::Mul(parts.n, Number(0.5)));
  const V first = PowerOfTwo(half);
  const V y = hn::MulAdd(parts.small, first, first);
  return KeepNan(x, hn::Mul(y, PowerOfTwo(hn::Sub(parts.n, half))));
}

// e^x - 1 of numbers from -50 to 50.
HWY_INLINE V ExpLessOne(V x) {
  const ExpParts parts = PartsOfExp(x);
  const V power = PowerOfTwo(parts.n);
  return hn::MulAdd(parts.small, power, hn::Sub(power, Number(1)));
}

// The same of numbers that are not above 0.
HWY_INLINE V ExpLessOneBelow(V x) {
  return KeepNan(x, ExpLessOne(hn::Min(hn::Max(x, Number(-50)), Number(0))));
}

HWY_INLINE V Tanh(V x) {
  const V e = ExpLessOne(hn::Min(hn::Mul(hn::Abs(x), Number(2)), Number(50)));
  return KeepNan(x, hn::CopySign(hn::Div(e, hn::Add(e, Number(2))), x));
}

HWY_INLINE V Sigmoid(V x) { return hn::Div(Number(1), hn::Add(Number(1), Exp(hn::Neg(x)))); }

// Of positive normal numbers: log(2^e m) = e log(2) + 2 atanh(s), s = (m - 1) / (m + 1), m from
// sqrt(1/2) to sqrt(2). The series up to s^23 leaves out less than 2^-58 of it.
HWY_INLINE V LogOfNormal(V x) {
  constexpr double kSeries[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
  const DU du;
  const auto bits = hn::BitCast(du, x);
  // As in PowerOfTwo, the other way round.
  const V magic = Number(0x1p52);
  V e = hn::Sub(hn::BitCast(D(), hn::Or(hn::ShiftRight<52>(bits), hn::BitCast(du, magic))),
                Number(0x1p52 + 1023));
  const auto fraction = hn::And(bits, hn::Set(du, (uint64_t{1} << 52) - 1));
  V m = hn::BitCast(D(), hn::Or(fraction, hn::BitCast(du, Number(1))));
  const auto large = hn::Gt(m, Number(1.4142135623730951));
  m = hn::IfThenElse(large, hn::Mul(m, Number(0.5)), m);
  e = hn::IfThenElse(large, hn::Add(e, Number(1)), e);
  const V less = hn::Sub(m, Number(1));
  const V s = hn::Div(less, hn::Add(m, Number(1)));
  const V square = hn::Mul(s, s);
  // 2 s = less - s less, which is exact but for its last term.
  const V rest = hn::Mul(s, hn::NegMulAdd(square, Polynomial(square, kSeries), less));
  return hn::MulAdd(e, Number(kLogTwoHigh),
                    hn::Sub(less, hn::NegMulAdd(e, Number(kLogTwoLow), rest)));
}

HWY_INLINE V Log(V x) {
  const V infinity = Number(HUGE_VAL);
  const auto tiny = hn::Lt(x, Number(0x1p-1022));
  V y = LogOfNormal(hn::IfThenElse(tiny, hn::Mul(x, Number(0x1p54)), x));
  y = hn::IfThenElse(tiny, hn::Sub(y, Number(54 * 0.69314718055994531)), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), x, y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(D())), Number(NAN), y);
  return KeepNan(x, hn::IfThenElse(hn::Eq(x, hn::Zero(D())), hn::Neg(infinity), y));
}

// max(x, 0) + log(1 + t), t = e^-|x|, with what 1 + t lost of t.
HWY_INLINE V Softplus(V x) {
  const V t = Exp(hn::Neg(hn::Abs(x)));
  const V u = hn::Add(Number(1), t);
  const V lost = hn::Sub(t, hn::Sub(u, Number(1)));
  const V y = hn::Add(hn::Max(x, hn::Zero(D())), hn::Add(LogOfNormal(u), hn::Div(lost, u)));
  return KeepNan(x, y);
}

// tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2)
HWY_INLINE V Mish(V x) {
  const V e = Exp(hn::Min(x, Number(50)));
  const V n = hn::Mul(e, hn::Add(e, Number(2)));
  return KeepNan(x, hn::Mul(x, hn::Div(n, hn::Add(n, Number(2)))));
}

HWY_INLINE V GeluTanh(V x) {
  const V cube = hn::Mul(hn::Mul(x, x), x);
  const V inner = hn::Mul(Number(0.79788456080286535588), hn::MulAdd(Number(0.044715), cube, x));
  return hn::Mul(hn::Mul(Number(0.5), x), hn::Add(Number(1), Tanh(inner)));
}

// `rise` where x is not below 0.
HWY_INLINE V Below(V x, V fall, V rise) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(D())), fall, rise);
}

template <class Function>
HWY_INLINE void Each(const double* x, double* y, size_t count, Function function) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    StoreFirst(function(LoadFirst(d, x + i, n)), d, y + i, n);
  }
}

}  // namespace

bool RunDoubleFunction(const ElementwiseStep& step, const double* x, double* y, size_t count) {
  const V alpha = Number(step.alpha);
  const V beta = Number(step.beta);
  switch (step.op) {
    case ElementwiseOp::kExp:
      Each(x, y, count, [](V v) HWY_ATTR { return Exp(v); });
      return true;
    case ElementwiseOp::kLog:
      Each(x, y, count, [](V v) HWY_ATTR { return Log(v); });
      return true;
    case ElementwiseOp::kTanh:
      Each(x, y, count, [](V v) HWY_ATTR { return Tanh(v); });
      return true;
    case ElementwiseOp::kSigmoid:
      Each(x, y, count, [](V v) HWY_ATTR { return Sigmoid(v); });
      return true;
    case ElementwiseOp::kSwish:
      Each(x, y, count, [alpha](V v) HWY_ATTR { return hn::Mul(v, Sigmoid(hn::Mul(alpha, v))); });
      return true;
    case ElementwiseOp::kSoftplus:
      Each(x, y, count, [](V v) HWY_ATTR { return Softplus(v); });
      return true;
    case ElementwiseOp::kMish:
      Each(x, y, count, [](V v) HWY_ATTR { return Mish(v); });
      return true;
    case ElementwiseOp::kGeluTanh:
      Each(x, y, count, [](V v) HWY_ATTR { return GeluTanh(v); });
      return true;
    case ElementwiseOp::kElu:
      Each(x, y, count,
           [alpha](V v) HWY_ATTR { return Below(v, hn::Mul(alpha, ExpLessOneBelow(v)), v); });
      return true;
    case ElementwiseOp::kSelu:
      Each(x, y, count, [alpha, beta](V v) HWY_ATTR {
        return hn::Mul(beta, Below(v, hn::Mul(alpha, ExpLessOneBelow(v)), v));
      });
      return true;
    case ElementwiseOp::kCelu:
      // The quotient is above 0 where alpha is below.
      if (step.alpha <= 0) return false;
      Each(x, y, count, [alpha](V v) HWY_ATTR {
        return Below(v, hn::Mul(alpha, ExpLessOneBelow(hn::Div(v, alpha))), v);
      });
      return true;
    default:
      return false;
  }
}

#else

bool RunDoubleFunction(const ElementwiseStep& /*step*/, const double* /*x*/, double* /*y*/,
                       size_t /*count*/) {
  return false;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

bool DoubleFunction(const operators::ElementwiseStep& step, const double* x, double* y,
                    size_t count) {
  return MULLION_SIMD_CALL(RunDoubleFunction)(step, x, y, count);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
