// SPDX-License-Identifier: MIT
// Winograd's sums along one axis (see winograd.h), for kernel files (see simd.h for their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_POINTS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_POINTS_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_POINTS_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_POINTS_INL_H_
#endif

#include <hwy/highway.h>

#include "devices/cpu/kernels/convolution/winograd_transform.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Six inputs along one axis to six numbers: the matrix B^T of the points 0, 1, -1, 2, -2 and
// infinity.
template <class V>
HWY_INLINE void ToPoints(V (&x)[6]) {
  const hn::DFromV<V> tag;
  const V a = x[0], b = x[1], c = x[2], d = x[3], e = x[4], f = x[5];
  const V two = hn::Set(tag, 2.0f);
  const V four = hn::Set(tag, 4.0f);
  const V five = hn::Set(tag, 5.0f);
  const V first = hn::Add(hn::NegMulAdd(five, c, hn::Mul(four, a)), e);
  const V last = hn::Add(hn::NegMulAdd(five, d, hn::Mul(four, b)), f);
  const V even = hn::NegMulAdd(four, c, e);
  const V odd = hn::NegMulAdd(four, b, d);
  const V outer_even = hn::Sub(e, c);
  const V outer_odd = hn::Mul(two, hn::Sub(d, b));
  x[0] = first;
  x[1] = hn::Add(even, odd);
  x[2] = hn::Sub(even, odd);
  x[3] = hn::Add(outer_even, outer_odd);
  x[4] = hn::Sub(outer_even, outer_odd);
  x[5] = last;
}
// Seven inputs to seven numbers: of the points 0, 1, -1, 2, -2, 1/2 and infinity. All but that of
// 1/2 are the six above, of inputs from each of which half the one before it is taken.
template <class V>
HWY_INLINE void ToPoints(V (&x)[7]) {
  const hn::DFromV<V> tag;
  const V half = hn::Set(tag, 0.5f);
  const V at_half =
      hn::Add(hn::NegMulAdd(hn::Set(tag, 5.0f), x[3], hn::Mul(hn::Set(tag, 4.0f), x[1])), x[5]);
  V less[6];
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) less[i] = hn::NegMulAdd(half, x[i], x[i + 1]);
  ToPoints(less);
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) x[i] = less[i];
  x[5] = at_half;
  x[6] = less[5];
}
// Four inputs to four numbers: of the points 0, 1, -1 and infinity.
template <class V>
HWY_INLINE void ToPoints(V (&x)[4]) {
  const V sum = hn::Add(x[1], x[2]);
  const V difference = hn::Sub(x[2], x[1]);
  x[0] = hn::Sub(x[0], x[2]);
  x[3] = hn::Sub(x[3], x[1]);
  x[1] = sum;
  x[2] = difference;
}

// Nine inputs of outputs two apart to nine numbers. Those in even places meet the first and last
// weight, a kernel of two: of the points 0, 1, -1, 2 and infinity. Those in odd places meet the one
// in the middle, and stay as they are.
template <class V>
HWY_INLINE void ToPoints(V (&x)[9]) {
  const hn::DFromV<V> tag;
  const V two = hn::Set(tag, 2.0f);
  const V a = x[0], b = x[2], c = x[4], d = x[6], e = x[8];
  const V odd[4] = {x[1], x[3], x[5], x[7]};
  const V outer = hn::Sub(d, b);
  x[0] = hn::MulAdd(two, hn::Sub(a, c), outer);
  x[1] = hn::Sub(outer, hn::Add(b, c));
  x[2] = hn::NegMulAdd(hn::Set(tag, 3.0f), c, hn::MulAdd(two, b, d));
  x[3] = outer;
  x[4] = hn::NegMulAdd(two, outer, hn::Sub(e, c));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) x[5 + i] = odd[i];
}

// Six sums along one axis to four outputs: A^T.
template <class V>
HWY_INLINE void FromPoints(const V (&s)[6], V (&out)[4]) {
  const hn::DFromV<V> tag;
  const V even = hn::Add(s[1], s[2]);
  const V odd = hn::Sub(s[1], s[2]);
  const V outer_even = hn::Add(s[3], s[4]);
  const V outer_odd = hn::Sub(s[3], s[4]);
  out[0] = hn::Add(hn::Add(s[0], even), outer_even);
  out[1] = hn::MulAdd(hn::Set(tag, 2.0f), outer_odd, odd);
  out[2] = hn::MulAdd(hn::Set(tag, 4.0f), outer_even, even);
  out[3] = hn::Add(hn::MulAdd(hn::Set(tag, 8.0f), outer_odd, odd), s[5]);
}
// Seven sums to five outputs.
template <class V>
HWY_INLINE void FromPoints(const V (&s)[7], V (&out)[5]) {
  const hn::DFromV<V> tag;
  const V even = hn::Add(s[1], s[2]);
  const V odd = hn::Sub(s[1], s[2]);
  const V outer_even = hn::Add(s[3], s[4]);
  const V outer_odd = hn::Sub(s[3], s[4]);
  out[0] = hn::Add(hn::Add(s[0], even), hn::Add(outer_even, s[5]));
  out[1] = hn::MulAdd(hn::Set(tag, 2.0f), outer_odd, hn::MulAdd(hn::Set(tag, 0.5f), s[5], odd));
  out[2] = hn::MulAdd(hn::Set(tag, 4.0f), outer_even, hn::MulAdd(hn::Set(tag, 0.25f), s[5], even));
  out[3] = hn::MulAdd(hn::Set(tag, 8.0f), outer_odd, hn::MulAdd(hn::Set(tag, 0.125f), s[5], odd));
  out[4] = hn::MulAdd(hn::Set(tag, 16.0f), outer_even,
                      hn::MulAdd(hn::Set(tag, 0.0625f), s[5], hn::Add(even, s[6])));
}
// Nine sums to four outputs two apart.
template <class V>
HWY_INLINE void FromPoints(const V (&s)[9], V (&out)[4]) {
  const hn::DFromV<V> tag;
  const V even = hn::Add(s[1], s[2]);
  const V odd = hn::Sub(s[1], s[2]);
  out[0] = hn::Add(hn::Add(s[0], even), hn::Add(s[3], s[5]));
  out[1] = hn::Add(hn::MulAdd(hn::Set(tag, 2.0f), s[3], odd), s[6]);
  out[2] = hn::Add(hn::MulAdd(hn::Set(tag, 4.0f), s[3], even), s[7]);
  out[3] = hn::Add(hn::MulAdd(hn::Set(tag, 8.0f), s[3], odd), hn::Add(s[4], s[8]));
}
// Four sums to two outputs.
template <class V>
HWY_INLINE void FromPoints(const V (&s)[4], V (&out)[2]) {
  out[0] = hn::Add(s[0], hn::Add(s[1], s[2]));
  out[1] = hn::Add(hn::Sub(s[1], s[2]), s[3]);
}

// Eight inputs of a line to eight numbers: of the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
// The row of a finite point p is M(x) / (x - p), M being the product of all (x - p).
template <class V>
HWY_INLINE void ToPoints(V (&x)[kWinogradLinePoints]) {
  const hn::DFromV<V> tag;
  const V half = hn::Set(tag, 0.5f);
  const V two = hn::Set(tag, 2.0f);
  const V four = hn::Set(tag, 4.0f);
  const V five_halves = hn::Set(tag, 2.5f);
  const V all = hn::Set(tag, 5.25f);
  const V first = hn::MulAdd(all, hn::Sub(x[4], x[2]), hn::Sub(x[0], x[6]));
  const V last = hn::MulAdd(all, hn::Sub(x[3], x[5]), hn::Sub(x[7], x[1]));
  const V near_even = hn::NegMulAdd(hn::Set(tag, 4.25f), x[4], hn::Add(x[2], x[6]));
  const V near_odd = hn::NegMulAdd(hn::Set(tag, 4.25f), x[3], hn::Add(x[1], x[5]));
  const V middle = hn::Mul(five_halves, x[3]);
  const V far_even =
      hn::NegMulAdd(hn::Set(tag, 1.25f), x[4], hn::MulAdd(hn::Set(tag, 0.25f), x[2], x[6]));
  const V far_odd = hn::MulAdd(two, x[5], hn::MulSub(half, x[1], middle));
  const V half_even = hn::NegMulAdd(hn::Set(tag, 5.0f), x[4], hn::MulAdd(four, x[2], x[6]));
  const V half_odd = hn::MulAdd(half, x[5], hn::MulSub(two, x[1], middle));
  x[0] = first;
  x[1] = hn::Add(near_even, near_odd);
  x[2] = hn::Sub(near_even, near_odd);
  x[3] = hn::Add(far_even, far_odd);
  x[4] = hn::Sub(far_even, far_odd);
  x[5] = hn::Add(half_even, half_odd);
  x[6] = hn::Sub(half_even, half_odd);
  x[7] = last;
}

// Eight sums to the first `wanted` of `count` outputs, the i-th of powers i of the points; the last
// of all takes infinity in.
template <class V>
HWY_INLINE void FromPoints(const V (&s)[kWinogradLinePoints], int count, int wanted,
                           V (&out)[kMostWinogradLineOutputs]) {
  const hn::DFromV<V> tag;
  const V even[3] = {hn::Add(s[1], s[2]), hn::Add(s[3], s[4]), hn::Add(s[5], s[6])};
  const V odd[3] = {hn::Sub(s[1], s[2]), hn::Sub(s[3], s[4]), hn::Sub(s[5], s[6])};
  out[0] = hn::Add(hn::Add(s[0], even[0]), hn::Add(even[1], even[2]));
#pragma GCC unroll 5
  for (int i = 1; i < kMostWinogradLineOutputs; ++i) {
    if (i >= wanted) break;
    const V* const sums = i % 2 == 0 ? even : odd;
    const auto power = static_cast<float>(1 << i);
    out[i] = hn::MulAdd(hn::Set(tag, power), sums[1],
                        hn::MulAdd(hn::Set(tag, 1 / power), sums[2], sums[0]));
    if (i == count - 1) out[i] = hn::Add(out[i], s[7]);
  }
}
// Of tiles with a number of outputs of their own, all.
template <class V, int kWindow, int kTile>
HWY_INLINE void FromPoints(const V (&s)[kWindow], int /*count*/, int /*wanted*/, V (&out)[kTile]) {
  FromPoints(s, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_POINTS_INL_H_
