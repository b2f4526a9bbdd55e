// SPDX-License-Identifier: MIT
// Elementary functions on vectors of float, for kernel files (see simd.h for their layout).
//
//   #include "devices/cpu/kernels/simd/simd.h"
//   #include "devices/cpu/kernels/simd/vector_math-inl.h"   // after simd.h: seen once per target
//   ... y = Tanh(d, x);
//
// Largest errors against double precision, over all exponents and on every instruction set (those
// without fused multiply-add included), in units of the last place of the result:
//
//   Exp 1   Decay 1   Expm1 2   Log 1   Log1p 2   Sigmoid 3   Silu 4   Tanh 3   Erf 2
//
// NaN gives NaN, infinities and zeros give the limits with the right sign, denormal arguments and
// results are exact to the same bounds. The coefficients are minimax fits (Remez exchange in
// extended precision); the error named beside each is that of the fit before rounding.

#if defined(MULLION_DEVICES_CPU_KERNELS_SIMD_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_SIMD_VECTOR_MATH_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_SIMD_VECTOR_MATH_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_SIMD_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Whether Max and Min keep a NaN of their second operand. The x86 instructions give that operand
// when either is NaN, wasm's give NaN; NEON's (vmaxnm, vminnm) and the plain targets' give the
// other.
#if (HWY_ARCH_X86 || HWY_ARCH_WASM) && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
inline constexpr bool kMaxKeepsNaN = true;
#else
inline constexpr bool kMaxKeepsNaN = false;
#endif

// max(x, low) and min(x, high) in which a NaN of x stays NaN.
template <class D, class V>
HWY_INLINE V AtLeast([[maybe_unused]] D d, V x, V low) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kMaxKeepsNaN) {
    return hn::Max(low, x);
  } else {
    return hn::IfThenElse(hn::Lt(x, low), low, x);
  }
}
template <class D, class V>
HWY_INLINE V AtMost([[maybe_unused]] D d, V x, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kMaxKeepsNaN) {
    return hn::Min(high, x);
  } else {
    return hn::IfThenElse(hn::Gt(x, high), high, x);
  }
}

namespace vector_math {

namespace hn = hwy::HWY_NAMESPACE;

// c0 + x (c1 + x (c2 + ...)), coefficients from the constant up.
template <class D, class V>
HWY_INLINE V Polynomial(D d, V /*x*/, float last) {
  return hn::Set(d, last);
}
template <class D, class V, typename... More>
HWY_INLINE V Polynomial(D d, V x, float first, More... more) {
  return hn::MulAdd(Polynomial(d, x, more...), x, hn::Set(d, first));
}

// x = n ln2 + r with |r| <= ln2 / 2, for |x| < 2^21. Adding 1.5 * 2^23 leaves a number whose last
// place is worth one, so the sum is rounded to an integer that stands in the low bits.
template <class D, class V>
struct Reduced {
  hn::Vec<hn::RebindToSigned<D>> n;
  V rounded;  // n too
  V r;
};
template <class D, class V>
HWY_INLINE Reduced<D, V> ReduceByLn2(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const V n = hn::Sub(shifted, magic);
  // ln2 in two parts; the first has 9 bits, so that its product with n is exact.
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  return {hn::Sub(hn::BitCast(di, shifted), hn::Set(di, 0x4b400000)), n, r};
}

// exp(r) - 1 for |r| <= ln2 / 2: r + r^2 P(r), error 3e-9 of exp(r).
template <class D, class V>
HWY_INLINE V Expm1Reduced(D d, V r) {
  const V p =
      Polynomial(d, r, 0.49999994f, 0.166665211f, 0.041668389f, 0.00836871658f, 0.00138145976f);
  return hn::MulAdd(hn::Mul(r, r), p, r);
}

// 2^n for -126 <= n <= 127.
template <class D, class VI>
HWY_INLINE hn::Vec<D> PowerOfTwo(D d, VI n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

// e 2^n, rounded once. In two steps where there is no instruction for it: 2^n itself may overflow
// (n = 128) or be denormal while the product is not; a denormal product is rounded by the second.
template <class D, class V>
HWY_INLINE V Scale(D d, V e, const Reduced<D, V>& by) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return V{_mm512_scalef_ps(e.raw, by.rounded.raw)};
  }
#endif
  const auto half = hn::ShiftRight<1>(by.n);
  return hn::Mul(hn::Mul(e, PowerOfTwo(d, half)), PowerOfTwo(d, hn::Sub(by.n, half)));
}

template <class D, class V>
HWY_INLINE V KeepNaN(D /*d*/, V x, V result) {
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

#if HWY_TARGET == HWY_AVX3
// The bits of 2^(i/16), nearest (0.46 units in the last place at most), less i << 19.
HWY_ALIGN inline constexpr int32_t kRootBits[16] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};

// e^x = 2^(n - kLess) (1 + e), n a multiple of 1/16. One register holds 16 roots of 2, which leaves
// a short polynomial. For |x| < 2^15.
template <class V>
struct ReducedByRoots {
  hn::VFromD<hn::RebindToSigned<hn::ScalableTag<float>>> bits;
  V n;
  V e;
};
template <int kLess = 0, class V>
HWY_INLINE ReducedByRoots<V> ReduceByRoots(V x) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  // As in ReduceByLn2; the last place of the sum is worth 1/16, and |r| <= ln2 / 32.
  constexpr float kMagic = 12582912.0f / 16 - kLess;
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), hn::Set(d, kMagic));
  const V n = hn::Sub(shifted, hn::Set(d, kMagic));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  // (e^r - 1) / r, error 2.3e-9 of e^r.
  const V q = Polynomial(d, r, 1.0f, 0.500014662f, 0.166669592f);
  return {hn::BitCast(di, shifted), n, hn::Mul(r, q)};
}

// The element of a table of 16 that the four lowest bits name.
template <class VI>
HWY_INLINE VI LookUp(VI table, VI index) {
  return VI{_mm512_permutexvar_epi32(index.raw, table.raw)};
}

// 2^(n - kLess) where that is normal: the four bits are shifted into the fraction, and the table is
// less by them.
template <class V>
HWY_INLINE V PowerOfRoot(const ReducedByRoots<V>& by) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  return hn::BitCast(d,
                     hn::Add(LookUp(hn::Load(di, kRootBits), by.bits), hn::ShiftLeft<19>(by.bits)));
}

// e^x for -104 <= x <= 89: by 2^floor(n), which is what the instruction takes of n.
template <class V>
HWY_INLINE V ExpByRoots(V x) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto by = ReduceByRoots(x);
  const auto roots = hn::Add(hn::Load(di, kRootBits), hn::ShiftLeft<19>(hn::Iota(di, 0)));
  const V root = hn::BitCast(d, LookUp(roots, by.bits));
  return V{_mm512_scalef_ps(hn::MulAdd(root, by.e, root).raw, by.n.raw)};
}

// 2^(i/32) / (1 + kShift), nearest: see InverseExp.
HWY_ALIGN inline constexpr float kPowersOfRoot[32] = {
    0.9992681f, 1.0211493f, 1.0435095f, 1.0663594f, 1.0897096f, 1.1135712f, 1.1379552f, 1.1628731f,
    1.1883367f, 1.214358f,  1.2409489f, 1.2681222f, 1.2958905f, 1.3242667f, 1.3532643f, 1.382897f,
    1.4131786f, 1.4441231f, 1.4757453f, 1.5080599f, 1.5410821f, 1.5748274f, 1.6093116f, 1.6445509f,
    1.6805619f, 1.7173615f, 1.7549667f, 1.7933955f, 1.8326658f, 1.8727959f, 1.9138049f, 1.9557117f};

// e^-x to 2 units in the last place; beyond +-89 as for those, which gives infinity and 2e-39. Two
// registers hold a table, which leaves a short polynomial: two thirds of the time of the form
// without it. NaN gives some number.
template <class V>
HWY_INLINE V InverseExp(V x) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  // The smaller size of the two, with the sign of x.
  const V clamped{_mm512_range_ps(x.raw, _mm512_set1_ps(89.0f), 2)};
  // -x = n ln2 + r with n a multiple of 1/32, |r| <= ln2 / 64: as in ReduceByLn2, the last place of
  // the sum is worth 1/32. Its five lowest bits say which root.
  constexpr float kMagic = 12582912.0f / 32;
  const V shifted = hn::NegMulAdd(clamped, hn::Set(d, 1.44269504f), hn::Set(d, kMagic));
  const V n = hn::Sub(shifted, hn::Set(d, kMagic));
  const V r = hn::MulAdd(n, hn::Set(d, 0.693147182f), clamped);
  // That ln2 is too large by 2^-29, so that n 2^-29 is wanting here. A subtraction among integers
  // takes the exponent of the sum above down; by what that holds besides n, the roots are less.
  constexpr float kShift = kMagic / (1 << 29);
  const V wanting = hn::BitCast(d, hn::Sub(hn::BitCast(di, shifted), hn::Set(di, 29 << 23)));
  const V root{_mm512_permutex2var_ps(_mm512_load_ps(kPowersOfRoot), hn::BitCast(di, shifted).raw,
                                      _mm512_load_ps(kPowersOfRoot + 16))};
  // e^-r - 1, error 5e-8.
  const V q = hn::MulAdd(r, hn::Set(d, 0.500004888f * (1 + kShift)),
                         hn::Set(d, -1.00001466f * (1 + kShift)));
  // By 2^floor(n), which is what the instruction takes of n.
  return V{_mm512_scalef_ps(hn::MulAdd(hn::MulAdd(r, q, wanting), root, root).raw, n.raw)};
}

// What the roots lack, as a share of them.
HWY_ALIGN inline constexpr float kRootErrors[16] = {
    0.0f,          4.628547e-8f,  -1.199216e-8f, 4.729782e-8f,  3.193418e-8f, 3.621057e-8f,
    -3.099072e-8f, -7.475213e-9f, 1.711427e-8f,  -3.047683e-8f, 5.233334e-9f, 6.107592e-9f,
    -1.471961e-8f, -5.258795e-9f, -6.128260e-9f, 5.140609e-9f};

// t / (t + 2) with t = e^(2|x|) - 1, 2|x| = n ln2 + 2r as in ReduceByRoots. Where the error of n
// ln2 in one part is more than 2e-9 of e^2x, the quotient hardly hangs on it.
template <class V>
HWY_INLINE V TanhByRoots(V x) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  // From 9.1 on the quotient is 1.
  const V a = AtMost(d, hn::Abs(x), hn::Set(d, 9.1f));
  const V magic = hn::Set(d, 12582912.0f / 16);
  const V shifted = hn::MulAdd(a, hn::Set(d, 2 * 1.44269504f), magic);
  const V n = hn::Sub(shifted, magic);
  const V r = hn::NegMulAdd(n, hn::Set(d, 0.693147182f / 2), a);
  const ReducedByRoots<V> by{hn::BitCast(di, shifted), n, r};
  const V s = PowerOfRoot(by);
  const V lost = hn::BitCast(d, LookUp(hn::BitCast(di, hn::Load(d, kRootErrors)), by.bits));
  // e^2r - 1, its series up to r^4.
  const V p = hn::Mul(r, Polynomial(d, r, 2.0f, 4.0f / 3, 2.0f / 3));
  const V e = hn::MulAdd(r, p, hn::MulAdd(r, hn::Set(d, 2.0f), lost));
  const V t = hn::MulAdd(s, e, hn::Sub(s, hn::Set(d, 1.0f)));
  return hn::CopySign(hn::Div(t, hn::Add(t, hn::Set(d, 2.0f))), x);
}
#endif

}  // namespace vector_math

// e^x; with kFalls for x that are not above 0 only.
template <bool kFalls = false, class D, class V>
HWY_INLINE V Exp(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  // e^-104 is below half of the smallest denormal, e^89 above the largest float.
  V clamped = AtLeast(d, x, hn::Set(d, -104.0f));
  if constexpr (!kFalls) clamped = AtMost(d, clamped, hn::Set(d, 89.0f));
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) return vector_math::ExpByRoots(clamped);
#endif
  const auto reduced = vector_math::ReduceByLn2(d, clamped);
  const V e = hn::Add(vector_math::Expm1Reduced(d, reduced.r), hn::Set(d, 1.0f));
  return vector_math::Scale(d, e, reduced);
}

// e^x for x <= 0, and 0 below -87, short of where results are denormal: weights of a softmax.
template <class D, class V>
HWY_INLINE V Decay(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto low = hn::Lt(x, hn::Set(d, -87.0f));
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    const auto by = vector_math::ReduceByRoots(x);
    const V s = vector_math::PowerOfRoot(by);
    return hn::IfThenZeroElse(low, hn::MulAdd(s, by.e, s));
  }
#endif
  const auto reduced = vector_math::ReduceByLn2(d, x);
  const V s = vector_math::PowerOfTwo(d, reduced.n);
  const V y = hn::MulAdd(s, vector_math::Expm1Reduced(d, reduced.r), s);
  return hn::IfThenZeroElse(low, y);
}

// e^x - 1, exact to the last places around 0 as well.
template <class D, class V>
HWY_INLINE V Expm1(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // e^-18 is below half of the last place of 1.
  const V clamped = hn::Min(hn::Max(x, hn::Set(d, -18.0f)), hn::Set(d, 89.0f));
  const auto reduced = vector_math::ReduceByLn2(d, clamped);
  const V e = vector_math::Expm1Reduced(d, reduced.r);
  // 2 (s e + (s - 1/2)) with s = 2^(n-1), which does not overflow where the result does not.
  const V s = vector_math::PowerOfTwo(d, hn::Sub(reduced.n, hn::Set(di, 1)));
  const V y = hn::MulAdd(s, e, hn::Sub(s, hn::Set(d, 0.5f)));
  // NaN and both zeros stand for themselves: neither is below or above zero.
  const V zero = hn::Zero(d);
  return hn::IfThenElse(hn::Or(hn::Lt(x, zero), hn::Gt(x, zero)), hn::Add(y, y), x);
}

// The natural logarithm; -inf at 0, NaN below.
template <class D, class V>
HWY_INLINE V Log(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // Denormals are made normal by 2^23, which the exponent gives back.
  const auto denormal = hn::Lt(x, hn::Set(d, std::numeric_limits<float>::min()));
  const V normal = hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, 8388608.0f)), x);
  const V bias = hn::IfThenElseZero(denormal, hn::Set(d, -23.0f));
  // x = 2^n m with m in [sqrt(1/2), sqrt(2)): the bits of sqrt(1/2) are 0x3f3504f3.
  const auto shifted = hn::Sub(hn::BitCast(di, normal), hn::Set(di, 0x3f3504f3));
  const V n = hn::Add(hn::ConvertTo(d, hn::ShiftRight<23>(shifted)), bias);
  const auto mantissa = hn::And(shifted, hn::Set(di, 0x007fffff));
  const V m = hn::BitCast(d, hn::Add(mantissa, hn::Set(di, 0x3f3504f3)));
  // log(1 + f) = f - f^2 / 2 + f^3 P(f), error 6e-9.
  const V f = hn::Sub(m, hn::Set(d, 1.0f));
  const V p =
      vector_math::Polynomial(d, f, 0.333333313f, -0.250008196f, 0.200012267f, -0.166233569f,
                              0.142017573f, -0.131601825f, 0.12761578f, -0.0763449967f);
  const V f2 = hn::Mul(f, f);
  V y = hn::MulAdd(n, hn::Set(d, -2.12194440e-4f), hn::Mul(hn::Mul(f2, f), p));
  y = hn::NegMulAdd(f2, hn::Set(d, 0.5f), y);
  y = hn::MulAdd(n, hn::Set(d, 0.693359375f), hn::Add(y, f));

  const float infinity = std::numeric_limits<float>::infinity();
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Set(d, -infinity), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Set(d, std::numeric_limits<float>::quiet_NaN()),
                     y);
  y = hn::IfThenElse(hn::Eq(x, hn::Set(d, infinity)), x, y);
  return vector_math::KeepNaN(d, x, y);
}

// log(1 + x), exact to the last places around 0 as well.
template <class D, class V>
HWY_INLINE V Log1p(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f);
  const V u = hn::Add(one, x);
  // What rounding took from 1 + x comes back by the derivative, 1 / u.
  const V lost = hn::Div(hn::Sub(x, hn::Sub(u, one)), u);
  const auto regular = hn::And(hn::Gt(u, hn::Zero(d)),
                               hn::Lt(u, hn::Set(d, std::numeric_limits<float>::infinity())));
  const V y = hn::Add(Log(d, u), hn::IfThenElseZero(regular, lost));
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);  // -0 stays -0
}

// 1 / (1 + e^-x).
template <class D, class V>
HWY_INLINE V Sigmoid(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // From -104 on the result is below half of the smallest denormal, and from 60 on it is 1. Both
  // parts of the quotient are 2^-32 times as large, so that e^-x is in range between them.
  const V clamped = AtMost(d, AtLeast(d, x, hn::Set(d, -104.0f)), hn::Set(d, 60.0f));
  const V scale = hn::Set(d, 1.0f / 65536.0f / 65536.0f);
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    const auto by = vector_math::ReduceByRoots<32>(hn::Neg(clamped));
    const V s = vector_math::PowerOfRoot(by);
    return hn::Div(scale, hn::MulAdd(s, by.e, hn::Add(s, scale)));
  }
#endif
  const auto reduced = vector_math::ReduceByLn2(d, clamped);
  const V power = vector_math::PowerOfTwo(d, hn::Sub(hn::Set(di, -32), reduced.n));
  // e^-r, error 3e-9.
  const V e = vector_math::Polynomial(d, reduced.r, 1.0f, -1.0f, 0.49999994f, -0.166665211f,
                                      0.041668389f, -0.00836871658f, 0.00138145976f);
  return hn::Div(scale, hn::MulAdd(e, power, scale));
}

// x / (1 + e^-z). Where z is below -88.7, which makes less than 3e-39 x, some instruction sets
// give 0.
template <class D, class V>
HWY_INLINE V TimesSigmoid(D d, V x, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return hn::Div(x, hn::Add(vector_math::InverseExp(z), hn::Set(d, 1.0f)));
  }
#endif
  return hn::Mul(x, Sigmoid(d, z));
}

template <class D, class V>
HWY_INLINE V Silu(D d, V x, V a) {
  return TimesSigmoid(d, x, hwy::HWY_NAMESPACE::Mul(a, x));
}

// x/2 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), which is x / (1 + e^-2u).
template <class D, class V>
HWY_INLINE V GeluTanh(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f), hn::Set(d, 1.0f));
  return TimesSigmoid(d, x, hn::Mul(hn::Mul(x, hn::Set(d, 1.59576912f)), cubic));
}

// The hyperbolic tangent: -t / (t + 2) with t = e^(-2|x|) - 1.
template <class D, class V>
HWY_INLINE V Tanh(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) return vector_math::TanhByRoots(x);
#endif
  // e^-18 is below half of the last place of 1.
  const V clamped = AtLeast(d, hn::Mul(hn::Abs(x), hn::Set(d, -2.0f)), hn::Set(d, -18.0f));
  const auto reduced = vector_math::ReduceByLn2(d, clamped);
  const V s = vector_math::PowerOfTwo(d, reduced.n);
  const V e = vector_math::Expm1Reduced(d, reduced.r);
  const V t = hn::MulAdd(s, e, hn::Sub(s, hn::Set(d, 1.0f)));
  return hn::CopySign(hn::Div(t, hn::Add(t, hn::Set(d, 2.0f))), x);
}

// The error function: an odd polynomial for |x| < 1, 1 - e^-Q(|x|) beyond.
template <class D, class V>
HWY_INLINE V Erf(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  // x + x P(x^2), error 1.2e-9.
  const V p =
      vector_math::Polynomial(d, hn::Mul(x, x), 0.128379166f, -0.37612626f, 0.112835854f,
                              -0.0268538129f, 0.00518832775f, -0.000801019371f, 7.85386146e-05f);
  const V inner = hn::MulAdd(x, p, x);
  // Q(x) = -log(erfc(x)) on [1, 3.95], error 1.1e-9 of erf; at 3.95 erf is 1 to the last place.
  const V a = hn::Min(hn::Abs(x), hn::Set(d, 3.95f));
  const V q =
      vector_math::Polynomial(d, a, 0.000341522886f, 1.12708914f, 0.638144851f, 0.103106752f,
                              -0.0218380634f, 0.0029476583f, -0.000186379199f);
  // e^-q = 2^n (1 + e) is far from under- and overflow here.
  const auto reduced = vector_math::ReduceByLn2(d, hn::Neg(q));
  const V e = vector_math::Expm1Reduced(d, reduced.r);
  const V s = vector_math::PowerOfTwo(d, reduced.n);
  const V outer = hn::NegMulAdd(s, e, hn::Sub(hn::Set(d, 1.0f), s));
  // NaN is not beyond 1, and goes through the polynomial.
  const auto beyond = hn::Ge(hn::Abs(x), hn::Set(d, 1.0f));
  return hn::IfThenElse(beyond, hn::CopySign(outer, x), inner);
}

// x/2 (1 + erf(x / sqrt(2))): its sum asks for an error that is small beside 1, not beside erf, so
// that one quotient serves all of it. |x| P(x^2) / Q(x^2) is erf(|x| / sqrt(2)) to 1.9e-8 up
// to 5.6, where erf is 1 but for 2.2e-8.
template <class D, class V>
HWY_INLINE V Gelu(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V a = hn::Abs(x);
  const V square = hn::Mul(x, x);
  const V p = vector_math::Polynomial(d, square, 0.797884443f, 0.0687467941f, 0.00941417714f,
                                      0.000347644499f, 1.27125261e-05f, 4.42940616e-08f);
  const V q = vector_math::Polynomial(d, square, 1.0f, 0.252827044f, 0.0289385239f, 0.00191281881f,
                                      7.50923657e-05f, 1.18024203e-06f);
  const V one = hn::Set(d, 1.0f);
  // NaN is not beyond, and goes through the quotient.
  const V erf = hn::IfThenElse(hn::Ge(a, hn::Set(d, 5.6f)), one, hn::Div(hn::Mul(a, p), q));
  const V half = hn::Set(d, 0.5f);
  return hn::MulAdd(hn::Mul(a, half), erf, hn::Mul(x, half));
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_VECTOR_MATH_INL_H_
