// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/winograd_transform.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/winograd_transform.cc"
#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Six inputs along one axis to six numbers: the matrix B^T of the points 0, 1, -1, 2, -2 and
// infinity.
HWY_INLINE void ToPoints(V (&x)[6]) {
  const D tag;
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
// Four inputs to four numbers: of the points 0, 1, -1 and infinity.
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
HWY_INLINE void ToPoints(V (&x)[9]) {
  const D tag;
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
HWY_INLINE void FromPoints(const V (&s)[6], V (&out)[4]) {
  const D tag;
  const V even = hn::Add(s[1], s[2]);
  const V odd = hn::Sub(s[1], s[2]);
  const V outer_even = hn::Add(s[3], s[4]);
  const V outer_odd = hn::Sub(s[3], s[4]);
  out[0] = hn::Add(hn::Add(s[0], even), outer_even);
  out[1] = hn::MulAdd(hn::Set(tag, 2.0f), outer_odd, odd);
  out[2] = hn::MulAdd(hn::Set(tag, 4.0f), outer_even, even);
  out[3] = hn::Add(hn::MulAdd(hn::Set(tag, 8.0f), outer_odd, odd), s[5]);
}
// Nine sums to four outputs two apart.
HWY_INLINE void FromPoints(const V (&s)[9], V (&out)[4]) {
  const D tag;
  const V even = hn::Add(s[1], s[2]);
  const V odd = hn::Sub(s[1], s[2]);
  out[0] = hn::Add(hn::Add(s[0], even), hn::Add(s[3], s[5]));
  out[1] = hn::Add(hn::MulAdd(hn::Set(tag, 2.0f), s[3], odd), s[6]);
  out[2] = hn::Add(hn::MulAdd(hn::Set(tag, 4.0f), s[3], even), s[7]);
  out[3] = hn::Add(hn::MulAdd(hn::Set(tag, 8.0f), s[3], odd), hn::Add(s[4], s[8]));
}
// Four sums to two outputs.
HWY_INLINE void FromPoints(const V (&s)[4], V (&out)[2]) {
  out[0] = hn::Add(s[0], hn::Add(s[1], s[2]));
  out[1] = hn::Add(hn::Sub(s[1], s[2]), s[3]);
}

// Eight inputs of a line to eight numbers: of the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
// The row of a finite point p is M(x) / (x - p), M being the product of all (x - p).
HWY_INLINE void ToPoints(V (&x)[kWinogradLinePoints]) {
  const D tag;
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
HWY_INLINE void FromPoints(const V (&s)[kWinogradLinePoints], int count, int wanted,
                           V (&out)[kMostWinogradLineOutputs]) {
  const D tag;
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
template <int kWindow, int kTile>
HWY_INLINE void FromPoints(const V (&s)[kWindow], int /*count*/, int /*wanted*/, V (&out)[kTile]) {
  FromPoints(s, out);
}

template <class Load>
HWY_INLINE void TransformLineVector(const WinogradInput& tile, int64_t channel, Load load) {
  V x[kWinogradLinePoints];
#pragma GCC unroll 8
  for (int i = 0; i < kWinogradLinePoints; ++i) {
    x[i] = load(tile.pixels[static_cast<size_t>(i)] + channel);
  }
  ToPoints(x);
  float* const out = tile.out + channel;
#pragma GCC unroll 8
  for (int i = 0; i < kWinogradLinePoints; ++i) {
    hn::StoreU(x[i], D(), out + i * tile.point_stride);
  }
}

// A tile has more numbers than there are registers: they lie on the stack between the two
// directions, so the loops over lines need not be unrolled, which would make much code.
template <int kWindow, int kStep, class Load>
HWY_INLINE void TransformInputVector(const WinogradInput& tile, int64_t channel, Load load) {
  const D d;
  V lines[kWindow][kWindow];
#pragma GCC unroll 1
  for (int i = 0; i < kWindow; ++i) {
    const float* const* const line = tile.pixels.data() + i * kWindow;
    V x[kWindow];
#pragma GCC unroll 9
    for (int j = 0; j < kWindow; ++j) x[j] = load(line[j] + channel);
      // The next tile lies kStep pixels further: its first are this one's last.
#pragma GCC unroll 9
    for (int j = kWindow - kStep; j < kWindow; ++j)
      __builtin_prefetch(line[j] + channel + tile.ahead, 0, 3);
    ToPoints(x);
#pragma GCC unroll 9
    for (int j = 0; j < kWindow; ++j) lines[i][j] = x[j];
  }
  float* out = tile.out + channel;
#pragma GCC unroll 1
  for (int j = 0; j < kWindow; ++j, out += tile.point_stride) {
    V x[kWindow];
#pragma GCC unroll 9
    for (int i = 0; i < kWindow; ++i) x[i] = lines[i][j];
    ToPoints(x);
#pragma GCC unroll 9
    for (int i = 0; i < kWindow; ++i) {
      hn::StoreU(x[i], d, out + i * kWindow * tile.point_stride);
    }
  }
}

// `transform` takes a tile, a channel and a way to load.
template <class Transform>
HWY_INLINE void TransformChannels(const WinogradInput& tile, Transform transform) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t channel = 0;
  for (; channel + lanes <= tile.channels; channel += lanes) {
    transform(tile, channel, [&](const float* x) HWY_ATTR { return hn::LoadU(d, x); });
  }
  if (channel < tile.channels) {
    const auto rest = static_cast<size_t>(tile.channels - channel);
    transform(tile, channel, [&](const float* x) HWY_ATTR { return LoadFirst(d, x, rest); });
  }
}

void TransformInput(const WinogradInput& tile) {
  if (tile.form.line) {
    TransformChannels(tile, [](const WinogradInput& t, int64_t channel, auto load)
                                HWY_ATTR { TransformLineVector(t, channel, load); });
  } else if (tile.form.strided) {
    TransformChannels(tile, [](const WinogradInput& t, int64_t channel, auto load)
                                HWY_ATTR { TransformInputVector<9, 8>(t, channel, load); });
  } else if (tile.form.window() == kWinogradLinePoints) {
    TransformChannels(tile, [](const WinogradInput& t, int64_t channel, auto load)
                                HWY_ATTR { TransformInputVector<8, 6>(t, channel, load); });
  } else if (tile.form.tile == 4) {
    TransformChannels(tile, [](const WinogradInput& t, int64_t channel, auto load)
                                HWY_ATTR { TransformInputVector<6, 4>(t, channel, load); });
  } else {
    TransformChannels(tile, [](const WinogradInput& t, int64_t channel, auto load)
                                HWY_ATTR { TransformInputVector<4, 2>(t, channel, load); });
  }
}

// The outputs of one vector of columns, with the bias.
template <int kWindow, int kTile>
HWY_INLINE void TransformOutputVector(const WinogradOutput& tile, int64_t column, V bias,
                                      V (&out)[kTile][kTile]) {
  const D d;
  const float* sums = tile.sums + column;
  V across[kTile][kWindow];
  for (int i = 0; i < tile.rows; ++i) {
    const float* to = tile.out + i * tile.line_stride + column;
    for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) __builtin_prefetch(to, 1, 3);
  }
#pragma GCC unroll 1
  for (int j = 0; j < kWindow; ++j, sums += tile.point_stride) {
    V s[kWindow];
    V o[kTile];
#pragma GCC unroll 9
    for (int i = 0; i < kWindow; ++i) {
      s[i] = hn::LoadU(d, sums + i * kWindow * tile.point_stride);
    }
    FromPoints(s, tile.form.tile, tile.rows, o);
#pragma GCC unroll 6
    for (int i = 0; i < kTile; ++i) across[i][j] = o[i];
  }
#pragma GCC unroll 1
  for (int i = 0; i < tile.rows; ++i) {
    V o[kTile];
    FromPoints(across[i], tile.form.tile, tile.pixels, o);
#pragma GCC unroll 6
    for (int j = 0; j < kTile; ++j) out[i][j] = hn::Add(o[j], bias);
  }
}
template <int kWindow>
HWY_INLINE void TransformOutputVector(const WinogradOutput& tile, int64_t column, V bias,
                                      V (&out)[kMostWinogradLineOutputs][1]) {
  const D d;
  V s[kWinogradLinePoints];
#pragma GCC unroll 8
  for (int i = 0; i < kWinogradLinePoints; ++i) {
    s[i] = hn::LoadU(d, tile.sums + column + i * tile.point_stride);
  }
  V outputs[kMostWinogradLineOutputs];
  FromPoints(s, tile.form.tile, tile.rows, outputs);
#pragma GCC unroll 6
  for (int i = 0; i < kMostWinogradLineOutputs; ++i) out[i][0] = hn::Add(outputs[i], bias);
}

// Vectors that are not whole, with nothing more than comparisons after them.
template <int kRows, int kPixels>
HWY_NOINLINE void StorePart(const WinogradOutput& tile, int64_t column, size_t count, V low, V high,
                            const V (&out)[kRows][kPixels]) {
  const D d;
  for (int i = 0; i < tile.rows; ++i) {
    float* to = tile.out + i * tile.line_stride + column;
    const float* residual = tile.residual;
    if (residual != nullptr) residual += i * tile.residual_line_stride + column;
    for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
      V sum = out[i][j];
      if (residual != nullptr) {
        sum = hn::Add(sum, LoadFirst(d, residual, count));
        residual += tile.residual_pixel_stride;
      }
      StoreFirst(AtMost(d, AtLeast(d, sum, low), high), d, to, count);
    }
  }
}

// For any activation, by way of rows on the stack.
template <int kRows, int kPixels>
HWY_NOINLINE void FinishVector(const WinogradOutput& tile, int64_t column, size_t count,
                               const V (&out)[kRows][kPixels]) {
  const D d;
  constexpr size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN float line[kPixels * kLanes];
  ActivationRows rows;
  rows.x = line;
  rows.x_stride = kLanes;
  rows.residual_stride = tile.residual_pixel_stride;
  rows.out_stride = tile.pixel_stride;
  rows.count = tile.pixels;
  rows.columns = static_cast<int64_t>(count);
  for (int i = 0; i < tile.rows; ++i) {
    for (int j = 0; j < tile.pixels; ++j) hn::Store(out[i][j], d, line + j * kLanes);
    if (tile.residual != nullptr) {
      rows.residual = tile.residual + i * tile.residual_line_stride + column;
    }
    rows.out = tile.out + i * tile.line_stride + column;
    ActivateEach(*tile.activation, rows);
  }
}

// Whole vectors with nothing more than comparisons after them.
template <int kRows, int kPixels>
HWY_INLINE void StoreVector(const WinogradOutput& tile, int64_t column, V low, V high,
                            const V (&out)[kRows][kPixels]) {
  const D d;
  for (int i = 0; i < tile.rows; ++i) {
    float* to = tile.out + i * tile.line_stride + column;
    if (tile.residual == nullptr) {
      for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
        hn::StoreU(AtMost(d, AtLeast(d, out[i][j], low), high), d, to);
      }
      continue;
    }
    const float* residual = tile.residual + i * tile.residual_line_stride + column;
    for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
      const V sum = hn::Add(out[i][j], hn::LoadU(d, residual));
      hn::StoreU(AtMost(d, AtLeast(d, sum, low), high), d, to);
      residual += tile.residual_pixel_stride;
    }
  }
}

// The bounds of an activation that is no more than comparisons; false for others.
bool BoundsOf(const Activation& activation, float& low, float& high) {
  low = -std::numeric_limits<float>::infinity();
  high = std::numeric_limits<float>::infinity();
  if (activation.kind == Activation::Kind::kRelu) low = 0;
  if (activation.kind == Activation::Kind::kClip) {
    low = activation.alpha;
    high = activation.beta;
  }
  return activation.kind == Activation::Kind::kNone || activation.kind == Activation::Kind::kRelu ||
         activation.kind == Activation::Kind::kClip;
}

template <int kWindow, int kRows, int kPixels>
void TransformOutputOf(const WinogradOutput& tile) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float low;
  float high;
  const bool bounded = BoundsOf(*tile.activation, low, high);
  for (int64_t column = 0; column < tile.columns; column += lanes) {
    const auto count = static_cast<size_t>(std::min(lanes, tile.columns - column));
    V out[kRows][kPixels];
    const V bias = tile.bias == nullptr ? hn::Zero(d) : LoadFirst(d, tile.bias + column, count);
    TransformOutputVector<kWindow>(tile, column, bias, out);
    if (bounded && count == static_cast<size_t>(lanes)) {
      StoreVector(tile, column, hn::Set(d, low), hn::Set(d, high), out);
    } else if (bounded) {
      StorePart(tile, column, count, hn::Set(d, low), hn::Set(d, high), out);
    } else {
      FinishVector(tile, column, count, out);
    }
  }
}

void TransformOutput(const WinogradOutput& tile) {
  if (tile.form.line) {
    TransformOutputOf<kWinogradLinePoints, kMostWinogradLineOutputs, 1>(tile);
  } else if (tile.form.strided) {
    TransformOutputOf<9, 4, 4>(tile);
  } else if (tile.form.window() == kWinogradLinePoints) {
    TransformOutputOf<kWinogradLinePoints, kMostWinogradLineOutputs, kMostWinogradLineOutputs>(
        tile);
  } else if (tile.form.tile == 4) {
    TransformOutputOf<6, 4, 4>(tile);
  } else {
    TransformOutputOf<4, 2, 2>(tile);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void TransformWinogradInput(const WinogradInput& tile) { MULLION_SIMD_CALL(TransformInput)(tile); }

void TransformWinogradOutput(const WinogradOutput& tile) {
  MULLION_SIMD_CALL(TransformOutput)(tile);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
