// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/double_function.h"

#include <cmath>

#include "devices/cpu/kernels/elementwise/number_unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/double_function.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/double_math-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR

namespace {

using namespace double_math;

// e^x - 1 of numbers from -50 to 50.
HWY_NOINLINE V ExpLessOne(V x) {
  const ExpParts parts = PartsOfExp(x);
  const V power = PowerOfTwo(parts.n);
  return hn::MulAdd(parts.small, power, hn::Sub(power, Number(1)));
}

// The same of numbers that are not above 0.
HWY_INLINE V ExpLessOneBelow(V x) {
  return KeepNan(x, ExpLessOne(hn::Min(hn::Max(x, Number(-50)), Number(0))));
}

HWY_NOINLINE V Tanh(V x) {
  const V e = ExpLessOne(hn::Min(hn::Mul(hn::Abs(x), Number(2)), Number(50)));
  return KeepNan(x, hn::CopySign(hn::Div(e, hn::Add(e, Number(2))), x));
}

HWY_INLINE V Sigmoid(V x) { return hn::Div(Number(1), hn::Add(Number(1), Exp(hn::Neg(x)))); }

HWY_INLINE V Log(V x) {
  const V infinity = Number(HUGE_VAL);
  const auto tiny = hn::Lt(x, Number(0x1p-1022));
  V y = LogOfNormal(hn::IfThenElse(tiny, hn::Mul(x, Number(0x1p54)), x));
  y = hn::IfThenElse(tiny, hn::Sub(y, Number(54 * 0.69314718055994531)), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), x, y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(D())), Number(NAN), y);
  return KeepNan(x, hn::IfThenElse(hn::Eq(x, hn::Zero(D())), hn::Neg(infinity), y));
}

// log(1 + t) of numbers that are not negative: with what 1 + t lost of t.
HWY_INLINE V LogOfOneMore(V t) {
  const V u = hn::Add(Number(1), t);
  const V lost = hn::Sub(t, hn::Sub(u, Number(1)));
  return hn::Add(LogOfNormal(u), hn::Div(lost, u));
}

// max(x, 0) + log(1 + e^-|x|)
HWY_INLINE V Softplus(V x) {
  return KeepNan(x, hn::Add(hn::Max(x, Zero()), LogOfOneMore(Exp(hn::Neg(hn::Abs(x))))));
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

// Up to 1 the series of erf, which leaves out less than 2^-55 of it; above that 1 - e^P, P being
// log(1 - erf) from 1 to 6 by a fit whose error times e^P is 6e-18 (weighted least squares with 50
// digits, reweighted towards equal errors). Beyond 6 it is 1.
HWY_NOINLINE V Erf(V x) {
  // 2 / sqrt(pi) (-1)^n / (n! (2n + 1))
  constexpr double kScale = 1.1283791670955126;
  constexpr double kSeries[] = {
      kScale,
      -kScale / 3,
      kScale / (2.0 * 5),
      -kScale / (6.0 * 7),
      kScale / (24.0 * 9),
      -kScale / (120.0 * 11),
      kScale / (720.0 * 13),
      -kScale / (5040.0 * 15),
      kScale / (40320.0 * 17),
      -kScale / (362880.0 * 19),
      kScale / (3628800.0 * 21),
      -kScale / (39916800.0 * 23),
      kScale / (479001600.0 * 25),
      -kScale / (6227020800.0 * 27),
      kScale / (87178291200.0 * 29),
      -kScale / (1307674368000.0 * 31),
      kScale / (20922789888000.0 * 33),
      -kScale / (355687428096000.0 * 35),
  };
  constexpr double kTail[] = {
      -0x1.c3991652a19afp+3,  -0x1.d107c69146476p+2,  -0x1.eefa41a05dd8ap-1,
      -0x1.5678024e5e9dep-8,  0x1.ca0f9889061a1p-11,  -0x1.34ed78bc6447fp-13,
      0x1.99152fc128c69p-16,  -0x1.03bad65d5a159p-18, 0x1.4dcacddacc316p-21,
      -0x1.ca2890ca4d37cp-25, 0x1.96bec6b73e177p-27,  -0x1.0cd44baad1350p-26,
      -0x1.0ca2bd07683f8p-26, -0x1.277590117bf76p-27, -0x1.9ca1953bc5983p-29,
      -0x1.681fe60830961p-31, -0x1.74071b444bdb0p-34, -0x1.4ca57cc57322ep-38};
  const V near = hn::Mul(x, Polynomial(hn::Mul(x, x), kSeries));
  const V a = hn::Min(hn::Max(hn::Abs(x), Number(1)), Number(6));
  const V tail = ExpLessOne(Polynomial(hn::Sub(a, Number(3.5)), kTail));
  const V far = hn::CopySign(tail, x);
  return KeepNan(x, hn::IfThenElse(hn::Le(hn::Abs(x), Number(1)), near, far));
}

// The largest angle in quarter turns, so that products of 33 and of 20 bits are exact.
constexpr double kMostTurns = 0x1p20;

// The sine, cosine or tangent. Vectors with larger angles than that are left to the standard
// library.
HWY_NOINLINE V Angle(V x, const ElementwiseStep& step) {
  constexpr double kSine[] = {
      -1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
      -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000};
  constexpr double kCosine[] = {
      1.0 / 24,        -1.0 / 720,         1.0 / 40320,         -1.0 / 3628800,
      1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
  const DU du;
  const V magic = Number(0x1.8p52);
  const V turns = hn::Mul(x, Number(0.63661977236758134));
  if (!hn::AllTrue(D(), hn::Le(hn::Abs(turns), Number(kMostTurns)))) {
    HWY_ALIGN double lanes[hn::MaxLanes(D())];
    hn::Store(x, D(), lanes);
    for (double& lane : lanes) lane = PlainUnary(step, lane);
    return hn::Load(D(), lanes);
  }
  // x = n pi/2 + r, |r| at most pi/4. Of the four parts of pi/2 three have 33 bits: their products
  // with n are exact, and what is subtracted from a number close to it is, too.
  const V shifted = hn::Add(turns, magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, Number(0x1.921fb544p+0), x);
  r = hn::NegMulAdd(n, Number(0x1.0b4611a6p-34), r);
  r = hn::NegMulAdd(n, Number(0x1.3198a2ep-69), r);
  r = hn::NegMulAdd(n, Number(0x1.b839a252049c1p-104), r);
  // The series up to r^17 and r^16 leave out less than 2^-58.
  const V z = hn::Mul(r, r);
  const V sine = hn::MulAdd(hn::Mul(r, z), Polynomial(z, kSine), r);
  const V above = hn::NegMulAdd(Number(0.5), z, Number(1));
  const V cosine = hn::MulAdd(hn::Mul(z, z), Polynomial(z, kCosine), above);
  const auto turn =
      hn::Add(hn::BitCast(du, shifted), hn::Set(du, step.op == ElementwiseOp::kCos ? 1 : 0));
  const auto odd = hn::RebindMask(D(), hn::TestBit(turn, hn::Set(du, 1)));
  const V y = hn::IfThenElse(odd, cosine, sine);
  if (step.op == ElementwiseOp::kTan) {
    const V tangent = hn::Div(y, hn::IfThenElse(odd, hn::Neg(sine), cosine));
    return hn::IfThenElse(hn::Eq(x, Zero()), x, tangent);  // of either sign
  }
  const V signed_y = hn::Xor(y, hn::BitCast(D(), hn::ShiftLeft<62>(hn::And(turn, hn::Set(du, 2)))));
  if (step.op == ElementwiseOp::kCos) return signed_y;
  return hn::IfThenElse(hn::Eq(x, Zero()), x, signed_y);
}

// By t = |x|, (|x| - 1) / (|x| + 1) or -1 / |x|, at most sqrt(2) - 1 large, 0, one or two eighths
// of a turn away. The series up to t^41 leaves out less than 2^-58.
HWY_NOINLINE V Atan(V x) {
  constexpr double kSeries[] = {-1.0 / 3,  1.0 / 5,   -1.0 / 7,  1.0 / 9,   -1.0 / 11,
                                1.0 / 13,  -1.0 / 15, 1.0 / 17,  -1.0 / 19, 1.0 / 21,
                                -1.0 / 23, 1.0 / 25,  -1.0 / 27, 1.0 / 29,  -1.0 / 31,
                                1.0 / 33,  -1.0 / 35, 1.0 / 37,  -1.0 / 39, 1.0 / 41};
  constexpr double kEighth = 0.78539816339744831;
  const V a = hn::Abs(x);
  const V one = Number(1);
  const auto middle = hn::Gt(a, Number(0.41421356237309503));
  const auto large = hn::Gt(a, Number(2.4142135623730949));
  V above = hn::IfThenElse(middle, hn::Sub(a, one), a);
  above = hn::IfThenElse(large, hn::Neg(one), above);
  V below = hn::IfThenElse(middle, hn::Add(a, one), one);
  below = hn::IfThenElse(large, a, below);
  const V t = hn::Div(above, below);
  const V z = hn::Mul(t, t);
  const V arc = hn::MulAdd(hn::Mul(t, z), Polynomial(z, kSeries), t);
  V y = hn::IfThenElse(middle, hn::Add(Number(kEighth), arc), arc);
  y = hn::IfThenElse(large, hn::Add(Number(2 * kEighth), arc), y);
  return hn::CopySign(y, x);
}

HWY_INLINE V Asin(V x) {
  const V one = Number(1);
  return Atan(hn::Div(x, hn::Sqrt(hn::Mul(hn::Sub(one, x), hn::Add(one, x)))));
}

HWY_INLINE V Acos(V x) {
  const V one = Number(1);
  const V half = Atan(hn::Sqrt(hn::Div(hn::Sub(one, x), hn::Add(one, x))));
  return hn::Add(half, half);
}

HWY_INLINE V Sinh(V x) {
  const V a = hn::Abs(x);
  const V e = ExpLessOne(hn::Min(a, Number(50)));
  const V small = hn::Add(e, hn::Div(e, hn::Add(e, Number(1))));
  const V half = Exp(hn::Mul(Number(0.5), a));  // which overflows only where the result does
  const V y = hn::IfThenElse(hn::Gt(a, Number(40)), hn::Mul(hn::Mul(Number(0.5), half), half),
                             hn::Mul(Number(0.5), small));
  return KeepNan(x, hn::CopySign(y, x));
}

HWY_INLINE V Cosh(V x) {
  const V half = Exp(hn::Mul(Number(0.5), hn::Abs(x)));
  const V other = hn::Div(Number(0.5), hn::Mul(half, half));
  return hn::MulAdd(hn::Mul(Number(0.5), half), half, other);
}

// From here on, squares are lost beside one another, and double themselves in the logarithm.
constexpr double kLargeArea = 0x1p100;

// log(1 + t), or of a large x log(2 x).
HWY_INLINE V AreaOf(V x, V t) {
  const auto large = hn::Gt(x, Number(kLargeArea));
  const V y = LogOfOneMore(hn::IfThenElse(large, x, t));
  const V twice = hn::IfThenElse(large, hn::Add(y, Number(0.69314718055994531)), y);
  return hn::IfThenElse(hn::Eq(x, Number(HUGE_VAL)), x, twice);
}

HWY_INLINE V Asinh(V x) {
  const V a = hn::Abs(x);
  const V bounded = hn::Min(a, Number(kLargeArea));
  const V square = hn::Mul(bounded, bounded);
  const V one = Number(1);
  const V root = hn::Sqrt(hn::Add(one, square));
  const V t = hn::Add(bounded, hn::Div(square, hn::Add(one, root)));
  return KeepNan(x, hn::CopySign(AreaOf(a, t), x));
}

HWY_INLINE V Acosh(V x) {
  const V bounded = hn::Min(x, Number(kLargeArea));
  const V less = hn::Sub(bounded, Number(1));
  const V t = hn::Add(less, hn::Sqrt(hn::Mul(less, hn::Add(bounded, Number(1)))));
  return hn::IfThenElse(hn::Ge(x, Number(1)), AreaOf(x, t), Number(NAN));
}

HWY_INLINE V Atanh(V x) {
  const V a = hn::Abs(x);
  const V one = Number(1);
  const V y = LogOfOneMore(hn::Div(hn::Add(a, a), hn::Sub(one, a)));
  const V half = hn::IfThenElse(hn::Eq(a, one), Number(HUGE_VAL), hn::Mul(Number(0.5), y));
  return hn::IfThenElse(hn::Le(a, one), hn::CopySign(half, x), Number(NAN));
}

HWY_INLINE V Gelu(V x) {
  const V part = Erf(hn::Mul(x, Number(0.70710678118654752440)));
  return hn::Mul(hn::Mul(Number(0.5), x), hn::Add(Number(1), part));
}

// `rise` where x is not below 0.
HWY_INLINE V Below(V x, V fall, V rise) { return hn::IfThenElse(hn::Lt(x, Zero()), fall, rise); }

HWY_INLINE V Sign(V x) {
  return Below(x, Number(-1), hn::IfThenElse(hn::Gt(x, Zero()), Number(1), x));
}

// NaN stays NaN.
HWY_INLINE V Clip(V x, V low, V high) {
  const V y = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(y, high), high, y);
}

HWY_INLINE V Shrink(V x, V bias, V bound) {
  const V above = hn::IfThenElseZero(hn::Gt(x, bound), hn::Sub(x, bias));
  return hn::IfThenElse(hn::Lt(x, hn::Neg(bound)), hn::Add(x, bias), above);
}

// A function of its own: a call and a choice for each vector cost three cycles, and a loop for each
// function would be most of the code.
HWY_NOINLINE V Apply(const ElementwiseStep& step, V x) {
  const V alpha = Number(step.alpha);
  const V beta = Number(step.beta);
  switch (step.op) {
    case ElementwiseOp::kSign:
      return Sign(x);
    case ElementwiseOp::kCeil:
      return hn::Ceil(x);
    case ElementwiseOp::kFloor:
      return hn::Floor(x);
    case ElementwiseOp::kRound:
      return hn::Round(x);
    case ElementwiseOp::kSqrt:
      return hn::Sqrt(x);
    case ElementwiseOp::kReciprocal:
      return hn::Div(Number(1), x);
    case ElementwiseOp::kExp:
      return Exp(x);
    case ElementwiseOp::kLog:
      return Log(x);
    case ElementwiseOp::kErf:
      return Erf(x);
    case ElementwiseOp::kTanh:
      return Tanh(x);
    case ElementwiseOp::kSigmoid:
      return Sigmoid(x);
    case ElementwiseOp::kSin:
    case ElementwiseOp::kCos:
    case ElementwiseOp::kTan:
      return Angle(x, step);
    case ElementwiseOp::kAsin:
      return Asin(x);
    case ElementwiseOp::kAcos:
      return Acos(x);
    case ElementwiseOp::kAtan:
      return Atan(x);
    case ElementwiseOp::kSinh:
      return Sinh(x);
    case ElementwiseOp::kCosh:
      return Cosh(x);
    case ElementwiseOp::kAsinh:
      return Asinh(x);
    case ElementwiseOp::kAcosh:
      return Acosh(x);
    case ElementwiseOp::kAtanh:
      return Atanh(x);
    case ElementwiseOp::kLeakyRelu:
      return Below(x, hn::Mul(alpha, x), x);
    case ElementwiseOp::kElu:
      return Below(x, hn::Mul(alpha, ExpLessOneBelow(x)), x);
    case ElementwiseOp::kSelu:
      return hn::Mul(beta, Below(x, hn::Mul(alpha, ExpLessOneBelow(x)), x));
    case ElementwiseOp::kCelu:
      return Below(x, hn::Mul(alpha, ExpLessOneBelow(hn::Div(x, alpha))), x);
    case ElementwiseOp::kGelu:
      return Gelu(x);
    case ElementwiseOp::kGeluTanh:
      return GeluTanh(x);
    case ElementwiseOp::kHardSigmoid:
      return Clip(hn::Add(hn::Mul(alpha, x), beta), Zero(), Number(1));
    case ElementwiseOp::kHardSwish:
      return hn::Mul(x, Clip(hn::Add(hn::Div(x, Number(6)), Number(0.5)), Zero(), Number(1)));
    case ElementwiseOp::kMish:
      return Mish(x);
    case ElementwiseOp::kSoftplus:
      return Softplus(x);
    case ElementwiseOp::kSoftsign:
      return hn::Div(x, hn::Add(Number(1), hn::Abs(x)));
    case ElementwiseOp::kThresholdedRelu:
      return hn::IfThenElseZero(hn::Gt(x, alpha), x);
    case ElementwiseOp::kShrink:
      return Shrink(x, alpha, beta);
    case ElementwiseOp::kSwish:
      return hn::Mul(x, Sigmoid(hn::Mul(alpha, x)));
    default:
      return x;
  }
}

// Calls function(x) for each vector.
template <class Function>
HWY_INLINE void Each(const double* x, double* y, size_t count, Function function) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i);
  if (i < count) StoreFirst(function(LoadFirst(d, x + i, count - i)), d, y + i, count - i);
}

// Keeps bits and flips others: the sign.
void ChangeBits(const double* x, double* y, size_t count, uint64_t keep, uint64_t flip) {
  const DU du;
  const auto kept = hn::BitCast(D(), hn::Set(du, keep));
  const auto flipped = hn::BitCast(D(), hn::Set(du, flip));
  Each(x, y, count, [=](V v) HWY_ATTR { return hn::Xor(hn::And(v, kept), flipped); });
}

}  // namespace

bool RunDoubleClip(const double* x, double* y, size_t count, double low, double high) {
  const V least = Number(low);
  const V most = Number(high);
  Each(x, y, count, [=](V v) HWY_ATTR { return Clip(v, least, most); });
  return true;
}

bool RunDoubleFunction(const ElementwiseStep& step, const double* x, double* y, size_t count) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  // Those that memory bounds have loops of their own.
  switch (step.op) {
    case ElementwiseOp::kAbs:
      ChangeBits(x, y, count, ~kSign, 0);
      return true;
    case ElementwiseOp::kNeg:
      ChangeBits(x, y, count, ~uint64_t{0}, kSign);
      return true;
    case ElementwiseOp::kRelu:
      return RunDoubleClip(x, y, count, 0, HUGE_VAL);
    case ElementwiseOp::kClip:
      return RunDoubleClip(x, y, count, step.alpha, step.beta);
    case ElementwiseOp::kCelu:
      // The quotient is above 0 where alpha is below.
      if (step.alpha <= 0) return false;
      break;
    default:
      break;
  }
  Each(x, y, count, [&step](V v) HWY_ATTR { return Apply(step, v); });
  return true;
}

#else

bool RunDoubleClip(const double* /*x*/, double* /*y*/, size_t /*count*/, double /*low*/,
                   double /*high*/) {
  return false;
}

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

void DoubleClip(const double* x, double* y, size_t count, double low, double high) {
  if (MULLION_SIMD_CALL(RunDoubleClip)(x, y, count, low, high)) return;
  for (size_t i = 0; i < count; ++i) {
    const double raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
