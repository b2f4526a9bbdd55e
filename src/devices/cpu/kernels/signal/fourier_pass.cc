// SPDX-License-Identifier: MIT
// Plain loops that compilers turn into vectors for each instruction set: the arithmetic is the same
// on all of them, so are the results.
#include "devices/cpu/kernels/signal/fourier_pass.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/signal/fourier_pass.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace {

template <typename T>
struct Number {
  T re;
  T im;
};

template <typename T>
HWY_INLINE Number<T> operator+(Number<T> a, Number<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <typename T>
HWY_INLINE Number<T> operator-(Number<T> a, Number<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <typename T>
HWY_INLINE Number<T> operator*(Number<T> a, Number<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
// i times the number.
template <typename T>
HWY_INLINE Number<T> Turned(Number<T> a) {
  return {-a.im, a.re};
}

// cos and sin of 2 pi k / kRadix for k from 1 to kRadix / 2.
template <int kRadix>
struct Roots;
template <>
struct Roots<3> {
  static constexpr double kCos[] = {-0.5};
  static constexpr double kSin[] = {0.86602540378443864676};
};
template <>
struct Roots<5> {
  static constexpr double kCos[] = {0.30901699437494742410, -0.80901699437494742410};
  static constexpr double kSin[] = {0.95105651629515357212, 0.58778525229247312917};
};
template <>
struct Roots<7> {
  static constexpr double kCos[] = {0.62348980185873353053, -0.22252093395631440429,
                                    -0.90096886790241912624};
  static constexpr double kSin[] = {0.78183148246802980871, 0.97492791218182360702,
                                    0.43388373911755812048};
};

// The transform of an odd number of numbers, in place. It pairs elements j and kRadix - j, whose
// factors are conjugate.
template <int kRadix, typename T>
HWY_INLINE void OddButterfly(Number<T>* x) {
  constexpr int kPairs = kRadix / 2;
  Number<T> sum[kPairs];
  Number<T> difference[kPairs];
  Number<T> total = x[0];
#pragma GCC unroll 3
  for (int j = 1; j <= kPairs; ++j) {
    sum[j - 1] = x[j] + x[kRadix - j];
    difference[j - 1] = x[j] - x[kRadix - j];
    total = total + sum[j - 1];
  }
#pragma GCC unroll 3
  for (int k = 1; k <= kPairs; ++k) {
    Number<T> even = x[0];
    Number<T> odd = {0, 0};
#pragma GCC unroll 3
    for (int j = 1; j <= kPairs; ++j) {
      const int turn = j * k % kRadix;
      const int place = (turn <= kPairs ? turn : kRadix - turn) - 1;
      const T c = static_cast<T>(Roots<kRadix>::kCos[place]);
      const T sine = static_cast<T>(Roots<kRadix>::kSin[place]);
      const T s = turn <= kPairs ? sine : -sine;
      even = even + Number<T>{sum[j - 1].re * c, sum[j - 1].im * c};
      odd = odd + Number<T>{difference[j - 1].re * s, difference[j - 1].im * s};
    }
    x[k] = even - Turned(odd);
    x[kRadix - k] = even + Turned(odd);
  }
  x[0] = total;
}

template <int kRadix, typename T>
HWY_INLINE void Butterfly(Number<T>* x) {
  if constexpr (kRadix == 2) {
    const Number<T> first = x[0];
    x[0] = first + x[1];
    x[1] = first - x[1];
  } else if constexpr (kRadix == 4) {
    const Number<T> a = x[0] + x[2];
    const Number<T> b = x[0] - x[2];
    const Number<T> c = x[1] + x[3];
    const Number<T> d = Turned(x[1] - x[3]);
    x[0] = a + c;
    x[1] = b - d;
    x[2] = a - c;
    x[3] = b + d;
  } else {
    OddButterfly<kRadix>(x);
  }
}

// Elements [0, span) of one p, see RunFourierPass.
template <int kRadix, typename T>
void Columns(int64_t span, int64_t step, const T* HWY_RESTRICT factors,
             const T* HWY_RESTRICT from_re, const T* HWY_RESTRICT from_im, T* HWY_RESTRICT to_re,
             T* HWY_RESTRICT to_im) {
  Number<T> factor[kRadix];
#pragma GCC unroll 7
  for (int k = 1; k < kRadix; ++k) factor[k] = {factors[2 * k - 2], factors[2 * k - 1]};
  for (int64_t q = 0; q < span; ++q) {
    Number<T> x[kRadix];
#pragma GCC unroll 7
    for (int j = 0; j < kRadix; ++j) x[j] = {from_re[j * step + q], from_im[j * step + q]};
    Butterfly<kRadix>(x);
    to_re[q] = x[0].re;
    to_im[q] = x[0].im;
#pragma GCC unroll 7
    for (int k = 1; k < kRadix; ++k) {
      const Number<T> scaled = x[k] * factor[k];
      to_re[k * span + q] = scaled.re;
      to_im[k * span + q] = scaled.im;
    }
  }
}

template <int kRadix, typename T>
void PassOf(const FourierPass& pass, int64_t lanes, const T* factors, ComplexNumbers<T> from,
            ComplexNumbers<T> to) {
  const int64_t span = pass.stride * lanes;
  for (int64_t p = 0; p < pass.count; ++p) {
    Columns<kRadix>(span, span * pass.count, factors + p * 2 * (kRadix - 1), from.re + span * p,
                    from.im + span * p, to.re + span * kRadix * p, to.im + span * kRadix * p);
  }
}

template <typename T>
void Pass(const FourierPass& pass, int64_t lanes, const T* factors, ComplexNumbers<T> from,
          ComplexNumbers<T> to) {
  switch (pass.radix) {
    case 2:
      return PassOf<2>(pass, lanes, factors, from, to);
    case 3:
      return PassOf<3>(pass, lanes, factors, from, to);
    case 4:
      return PassOf<4>(pass, lanes, factors, from, to);
    case 5:
      return PassOf<5>(pass, lanes, factors, from, to);
    default:
      return PassOf<7>(pass, lanes, factors, from, to);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

template <typename T>
void RunFourierPass(const FourierPass& pass, int64_t lanes, const T* factors,
                    ComplexNumbers<T> from, ComplexNumbers<T> to) {
  MULLION_SIMD_CALL(Pass<T>)(pass, lanes, factors, from, to);
}

template void RunFourierPass(const FourierPass&, int64_t, const float*, ComplexNumbers<float>,
                             ComplexNumbers<float>);
template void RunFourierPass(const FourierPass&, int64_t, const double*, ComplexNumbers<double>,
                             ComplexNumbers<double>);

}  // namespace mullion::cpu
#endif  // HWY_ONCE
