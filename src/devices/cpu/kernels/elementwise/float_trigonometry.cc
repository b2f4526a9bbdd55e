// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include "devices/cpu/kernels/elementwise/float_function.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/float_trigonometry.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Op = operators::ElementwiseOp;

// The largest argument whose quarter turns are counted in 13 bits.
constexpr float kLargestAngle = 12800.0f;

// Sine, cosine or tangent within two (the tangent four) units of the last place of the result or
// 2^-25, whichever is more. |x| <= kLargestAngle.
template <Op kOp, class D, class V>
HWY_INLINE V AngleFunction(D d, V x) {
  const hn::RebindToSigned<D> di;
  // x = n pi/2 + r with |r| <= pi/4. The sum with 1.5 * 2^23 has n in its low bits.
  const V magic = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 0.636619772f), magic);
  const V n = hn::Sub(shifted, magic);
  // pi/2 in four parts, of which the first three have 8, 11 and 11 bits: their products with n are
  // exact, and so are the differences.
  V r = hn::NegMulAdd(n, hn::Set(d, 1.5703125f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0.000483751296997070312f), r);
  r = hn::NegMulAdd(n, hn::Set(d, 7.54953362047672271728e-08f), r);
  r = hn::NegMulAdd(n, hn::Set(d, 2.56334407e-12f), r);
  const V z = hn::Mul(r, r);
  // Minimax fits: sin r = r + r^3 P(r^2), error 4e-9; cos r = 1 - r^2/2 + r^4 Q(r^2), error 1e-10.
  V p = hn::MulAdd(hn::Set(d, -0.000195172347f), z, hn::Set(d, 0.00833217769f));
  p = hn::MulAdd(p, z, hn::Set(d, -0.166666549f));
  const V sine = hn::MulAdd(hn::Mul(p, z), r, r);
  V q = hn::MulAdd(hn::Set(d, 2.44383795e-05f), z, hn::Set(d, -0.00138873669f));
  q = hn::MulAdd(q, z, hn::Set(d, 0.0416666469f));
  const V half = hn::NegMulAdd(hn::Set(d, 0.5f), z, hn::Set(d, 1.0f));
  const V cosine = hn::MulAdd(hn::Mul(q, z), z, half);
  if constexpr (kOp == Op::kTan) {
    const auto odd = hn::RebindMask(d, hn::TestBit(hn::BitCast(di, shifted), hn::Set(di, 1)));
    const V above = hn::IfThenElse(odd, hn::Neg(cosine), sine);
    const V y = hn::Div(above, hn::IfThenElse(odd, sine, cosine));
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);  // -0 stays -0
  }
  // Odd quarter turns exchange the two, and every second pair changes the sign.
  const auto turn = hn::Add(hn::BitCast(di, shifted), hn::Set(di, kOp == Op::kCos ? 1 : 0));
  const auto odd = hn::TestBit(turn, hn::Set(di, 1));
  const auto sign = hn::ShiftLeft<30>(hn::And(turn, hn::Set(di, 2)));
  const V y = hn::IfThenElse(hn::RebindMask(d, odd), cosine, sine);
  return hn::Xor(y, hn::BitCast(d, sign));
}

// Writes the first `count` lanes. Larger angles are left to the standard library, lane by lane.
template <Op kOp, class D, class V>
HWY_INLINE void StoreAngle(D d, V x, float* to, size_t count) {
  const V bounded = hn::Min(hn::Max(x, hn::Set(d, -kLargestAngle)), hn::Set(d, kLargestAngle));
  StoreFirst(AngleFunction<kOp>(d, bounded), d, to, count);
  // NaN and infinities are not below the bound either.
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, kLargestAngle))))) return;
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < count; ++i) {
    if (std::fabs(lanes[i]) > kLargestAngle || lanes[i] != lanes[i]) {
      to[i] = static_cast<float>(PlainUnary({kOp}, lanes[i]));
    }
  }
}

// asin s = s + s z P(z) for z = s^2 <= 1/4, error 5e-9.
template <class D, class V>
HWY_INLINE V AsinSmall(D d, V s, V z) {
  const V p = vector_math::Polynomial(d, z, 0.166667525f, 0.0749529764f, 0.0454703762f,
                                      0.0241795139f, 0.0421663094f);
  return hn::MulAdd(hn::Mul(p, z), s, s);
}

// The arc sine, or the arc cosine, which is pi/2 less that. Beyond 1/2 by asin x = pi/2 - 2 asin s
// with s^2 = (1 - x) / 2.
template <bool kCosine, class D, class V>
HWY_INLINE V Asin(D d, V x) {
  const V a = hn::Abs(x);
  const auto small = hn::Le(a, hn::Set(d, 0.5f));
  const V half = hn::Set(d, 0.5f);
  const V z = hn::IfThenElse(small, hn::Mul(x, x), hn::NegMulAdd(half, a, half));
  // NaN beyond 1: the root of a negative number.
  const V s = hn::IfThenElse(small, a, hn::Sqrt(z));
  const V arc = AsinSmall(d, s, z);
  const V quarter = hn::Set(d, 1.57079633f);
  if constexpr (kCosine) {
    const V low = hn::Set(d, -4.37113883e-8f);  // of pi/2
    const V near_zero = hn::Sub(quarter, hn::Sub(hn::CopySign(arc, x), low));
    const V twice = hn::Add(arc, arc);
    const V negative = hn::Sub(hn::Set(d, 3.14159265f), twice);
    return hn::IfThenElse(small, near_zero,
                          hn::IfThenElse(hn::Lt(x, hn::Zero(d)), negative, twice));
  } else {
    const V large = hn::NegMulAdd(hn::Set(d, 2.0f), arc, quarter);
    return hn::CopySign(hn::IfThenElse(small, arc, large), x);
  }
}

// The arc tangent: s + s z P(z) for s = |x| or 1 / |x|, z = s^2 <= 1, error 3e-9.
template <class D, class V>
HWY_INLINE V Atan(D d, V x) {
  const V a = hn::Abs(x);
  const auto large = hn::Gt(a, hn::Set(d, 1.0f));
  const V s = hn::IfThenElse(large, hn::Div(hn::Set(d, 1.0f), a), a);
  const V z = hn::Mul(s, s);
  const V p = vector_math::Polynomial(d, z, -0.333332991f, 0.199985483f, -0.142642417f,
                                      0.109521858f, -0.0840345047f, 0.0579575954f, -0.0311778473f,
                                      0.0109146064f, -0.00179362182f);
  const V arc = hn::MulAdd(hn::Mul(p, z), s, s);
  return hn::CopySign(hn::IfThenElse(large, hn::Sub(hn::Set(d, 1.57079633f), arc), arc), x);
}

// Half of e^|x|, which overflows only where the hyperbolic functions do, and half of e^-|x|.
template <class V>
struct HalfExponentials {
  V growing;
  V shrinking;
};
template <class D, class V>
HWY_INLINE HalfExponentials<V> HalfExps(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto reduced = vector_math::ReduceByLn2(d, AtMost(d, hn::Abs(x), hn::Set(d, 90.0f)));
  const V e = hn::Add(vector_math::Expm1Reduced(d, reduced.r), hn::Set(d, 1.0f));
  // In two steps, as the power alone may overflow.
  const V once = hn::Mul(e, vector_math::PowerOfTwo(d, hn::Sub(reduced.n, hn::Set(di, 2))));
  const V growing = hn::Add(once, once);
  return {growing, hn::Div(hn::Set(d, 0.25f), growing)};
}

template <class D, class V>
HWY_INLINE V Sinh(D d, V x) {
  const V a = hn::Abs(x);
  const auto both = HalfExps(d, x);
  const V large = hn::CopySign(hn::Sub(both.growing, both.shrinking), x);
  // x + x^3 P(x^2) for |x| <= 1, error 6e-11.
  const V z = hn::Mul(x, x);
  const V p =
      vector_math::Polynomial(d, z, 0.166666665f, 0.0083333506f, 0.000198360663f, 2.81743951e-06f);
  return hn::IfThenElse(hn::Le(a, hn::Set(d, 1.0f)), hn::MulAdd(hn::Mul(p, z), x, x), large);
}

// From here on x^2 + 1 and x^2 - 1 are x^2 to the last place.
constexpr float kLargeRoot = 8192.0f;

template <class D, class V>
HWY_INLINE V Asinh(D d, V x) {
  const V a = hn::Abs(x);
  const V one = hn::Set(d, 1.0f);
  const auto large = hn::Gt(a, hn::Set(d, kLargeRoot));
  const V z = hn::Mul(a, a);
  // sqrt(1 + z) - 1 without what rounding takes from small ones.
  const V rest = hn::Div(z, hn::Add(one, hn::Sqrt(hn::Add(one, z))));
  const V y = hn::IfThenElse(large, hn::Add(Log(d, a), hn::Set(d, 0.693147181f)),
                             Log1p(d, hn::Add(a, rest)));
  return hn::CopySign(y, x);
}

template <class D, class V>
HWY_INLINE V Acosh(D d, V x) {
  const V t = hn::Sub(x, hn::Set(d, 1.0f));
  const auto large = hn::Gt(x, hn::Set(d, kLargeRoot));
  const V inner = Log1p(d, hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t)))));
  const V y = hn::IfThenElse(large, hn::Add(Log(d, x), hn::Set(d, 0.693147181f)), inner);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  return hn::IfThenElse(hn::Lt(t, hn::Zero(d)), hn::Set(d, nan), y);
}

template <class D, class V>
HWY_INLINE V Atanh(D d, V x) {
  const V a = hn::Abs(x);
  const V quotient = hn::Div(hn::Add(a, a), hn::Sub(hn::Set(d, 1.0f), a));
  return hn::CopySign(hn::Mul(hn::Set(d, 0.5f), Log1p(d, quotient)), x);
}

template <Op kOp, class D, class V>
HWY_INLINE V OtherFunction(D d, V x) {
  if constexpr (kOp == Op::kAsin || kOp == Op::kAcos) {
    return Asin<kOp == Op::kAcos>(d, x);
  } else if constexpr (kOp == Op::kAtan) {
    return Atan(d, x);
  } else if constexpr (kOp == Op::kSinh) {
    return Sinh(d, x);
  } else if constexpr (kOp == Op::kCosh) {
    const auto both = HalfExps(d, x);
    return hn::Add(both.growing, both.shrinking);
  } else if constexpr (kOp == Op::kAsinh) {
    return Asinh(d, x);
  } else if constexpr (kOp == Op::kAcosh) {
    return Acosh(d, x);
  } else {
    static_assert(kOp == Op::kAtanh);
    return Atanh(d, x);
  }
}

template <Op kOp>
void Row(const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto v = LoadFirst(d, x + i, n);
    if constexpr (kOp == Op::kSin || kOp == Op::kCos || kOp == Op::kTan) {
      StoreAngle<kOp>(d, v, y + i, n);
    } else {
      StoreFirst(OtherFunction<kOp>(d, v), d, y + i, n);
    }
  }
}

void TrigonometryRow(Op op, const float* x, float* y, size_t count) {
  switch (op) {
    case Op::kSin:
      return Row<Op::kSin>(x, y, count);
    case Op::kCos:
      return Row<Op::kCos>(x, y, count);
    case Op::kTan:
      return Row<Op::kTan>(x, y, count);
    case Op::kAsin:
      return Row<Op::kAsin>(x, y, count);
    case Op::kAcos:
      return Row<Op::kAcos>(x, y, count);
    case Op::kAtan:
      return Row<Op::kAtan>(x, y, count);
    case Op::kSinh:
      return Row<Op::kSinh>(x, y, count);
    case Op::kCosh:
      return Row<Op::kCosh>(x, y, count);
    case Op::kAsinh:
      return Row<Op::kAsinh>(x, y, count);
    case Op::kAcosh:
      return Row<Op::kAcosh>(x, y, count);
    default:
      return Row<Op::kAtanh>(x, y, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FloatTrigonometry(const operators::ElementwiseStep& step, const float* x, float* y,
                       size_t count) {
  MULLION_SIMD_CALL(TrigonometryRow)(step.op, x, y, count);
}

}  // namespace mullion::cpu
#endif
