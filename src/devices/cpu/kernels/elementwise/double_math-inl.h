// SPDX-License-Identifier: MIT
// Exponentials and logarithms of vectors of doubles, for kernel files (see simd.h for their layout)
// where HWY_HAVE_FLOAT64.

#if defined(MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_MATH_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_MATH_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_MATH_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR

namespace double_math {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<double>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;

HWY_INLINE V Number(double value) { return hn::Set(D(), value); }
HWY_INLINE V Zero() { return hn::Zero(D()); }

// c[0] + c[1] x + ..., of even and odd powers side by side, as one waits for the other otherwise.
template <size_t kCount>
HWY_INLINE V Polynomial(V x, const double (&c)[kCount]) {
  const V square = hn::Mul(x, x);
  V sums[] = {Number(c[kCount - 1]), Number(c[kCount - 2])};
#pragma GCC unroll 16
  for (size_t i = 2; i < kCount; ++i) {
    sums[i % 2] = hn::MulAdd(sums[i % 2], square, Number(c[kCount - 1 - i]));
  }
  return hn::MulAdd(sums[kCount % 2 == 0 ? 0 : 1], x, sums[kCount % 2 == 0 ? 1 : 0]);
}

// log(2) in two parts: products of the first, which ends in 32 zeros, with exponents are exact.
inline constexpr double kLogTwoHigh = 0x1.62e42feep-1;
inline constexpr double kLogTwoLow = 0x1.a39ef35793c76p-33;

// 2^n of whole numbers from -1022 to 1023: added to 1.5 * 2^52 they are in the lowest bits.
HWY_INLINE V PowerOfTwo(V n) {
  const auto bits = hn::BitCast(DU(), hn::Add(n, Number(0x1.8p52 + 1023)));
  return hn::BitCast(D(), hn::ShiftLeft<52>(bits));
}

// e^r = 1 + r + r^2 (...): up to r^13, r at most log(2)/2, it leaves out less than 2^-57 of e^r
// - 1.
inline constexpr double kExpSeries[] = {
    1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
    1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};

// e^x = 2^n (1 + small), |small| at most 0.42.
struct ExpParts {
  V small;
  V n;
};
HWY_INLINE ExpParts PartsOfExp(V x) {
  const V n = hn::Round(hn::Mul(x, Number(1.4426950408889634)));
  const V r = hn::NegMulAdd(n, Number(kLogTwoLow), hn::NegMulAdd(n, Number(kLogTwoHigh), x));
  return {hn::MulAdd(hn::Mul(r, r), Polynomial(r, kExpSeries), r), n};
}

HWY_INLINE V KeepNan(V x, V y) { return hn::IfThenElse(hn::Eq(x, x), y, x); }

// In two steps, so that results may be infinite or below the normal numbers.
inline HWY_NOINLINE V Exp(V x) {
  const ExpParts parts = PartsOfExp(hn::Min(hn::Max(x, Number(-760)), Number(720)));
  const V half = hn::Floor(hn::Mul(parts.n, Number(0.5)));
  const V first = PowerOfTwo(half);
  const V y = hn::MulAdd(parts.small, first, first);
  return KeepNan(x, hn::Mul(y, PowerOfTwo(hn::Sub(parts.n, half))));
}

// x = 2^exponent m, m from sqrt(1/2) to sqrt(2), of positive normal numbers.
struct Binary {
  V exponent;
  V m;
};
HWY_INLINE Binary PartsOfNormal(V x) {
  const DU du;
  const auto bits = hn::BitCast(du, x);
  // As in PowerOfTwo, the other way round.
  const V magic = Number(0x1p52);
  const V e = hn::Sub(hn::BitCast(D(), hn::Or(hn::ShiftRight<52>(bits), hn::BitCast(du, magic))),
                      Number(0x1p52 + 1023));
  const auto fraction = hn::And(bits, hn::Set(du, (uint64_t{1} << 52) - 1));
  V m = hn::BitCast(D(), hn::Or(fraction, hn::BitCast(du, Number(1))));
  const auto large = hn::Gt(m, Number(1.4142135623730951));
  m = hn::IfThenElse(large, hn::Mul(m, Number(0.5)), m);
  return {hn::IfThenElse(large, hn::Add(e, Number(1)), e), m};
}

// Of positive normal numbers: log(2^e m) = e log(2) + 2 atanh(s), s = (m - 1) / (m + 1). The
// series up to s^23 leaves out less than 2^-58 of it.
inline HWY_NOINLINE V LogOfNormal(V x) {
  constexpr double kSeries[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
  const auto [e, m] = PartsOfNormal(x);
  const V less = hn::Sub(m, Number(1));
  const V s = hn::Div(less, hn::Add(m, Number(1)));
  const V square = hn::Mul(s, s);
  // 2 s = less - s less, which is exact but for its last term.
  const V rest = hn::Mul(s, hn::NegMulAdd(square, Polynomial(square, kSeries), less));
  return hn::MulAdd(e, Number(kLogTwoHigh),
                    hn::Sub(less, hn::NegMulAdd(e, Number(kLogTwoLow), rest)));
}

}  // namespace double_math

#endif

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_MATH_INL_H_
