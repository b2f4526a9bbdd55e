// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/winograd_transform.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/winograd_transform.cc"
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
HWY_INLINE void ToPoints(V& a, V& b, V& c, V& d, V& e, V& f) {
  const D tag;
  const V two = hn::Set(tag, 2.0f);
  const V four = hn::Set(tag, 4.0f);
  const V five = hn::Set(tag, 5.0f);
  const V first = hn::Add(hn::NegMulAdd(five, c, hn::Mul(four, a)), e);
  const V last = hn::Add(hn::NegMulAdd(five, d, hn::Mul(four, b)), f);
  const V even = hn::NegMulAdd(four, c, e);
  const V odd = hn::NegMulAdd(four, b, d);
  const V outer_even = hn::Sub(e, c);
  const V outer_odd = hn::Mul(two, hn::Sub(d, b));
  a = first;
  b = hn::Add(even, odd);
  c = hn::Sub(even, odd);
  d = hn::Add(outer_even, outer_odd);
  e = hn::Sub(outer_even, outer_odd);
  f = last;
}
// Four inputs to four numbers: of the points 0, 1, -1 and infinity.
HWY_INLINE void ToPoints(V& a, V& b, V& c, V& d) {
  a = hn::Sub(a, c);
  d = hn::Sub(d, b);
  const V sum = hn::Add(b, c);
  c = hn::Sub(c, b);
  b = sum;
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
// Four sums to two outputs.
HWY_INLINE void FromPoints(const V (&s)[4], V (&out)[2]) {
  out[0] = hn::Add(s[0], hn::Add(s[1], s[2]));
  out[1] = hn::Add(hn::Sub(s[1], s[2]), s[3]);
}

template <int kTile, class Load>
HWY_INLINE void TransformInputVector(const WinogradInput& tile, int64_t channel, Load load) {
  constexpr int kWindow = kTile + 2;
  const D d;
  V q[kWindow][kWindow];
#pragma GCC unroll 6
  for (int i = 0; i < kWindow; ++i) {
    const float* const* const line = tile.pixels.data() + i * kWindow;
#pragma GCC unroll 6
    for (int j = 0; j < kWindow; ++j) q[i][j] = load(line[j] + channel);
    if constexpr (kTile == 4) {
      ToPoints(q[i][0], q[i][1], q[i][2], q[i][3], q[i][4], q[i][5]);
    } else {
      ToPoints(q[i][0], q[i][1], q[i][2], q[i][3]);
    }
  }
  float* const out = tile.out + channel;
#pragma GCC unroll 6
  for (int j = 0; j < kWindow; ++j) {
    if constexpr (kTile == 4) {
      ToPoints(q[0][j], q[1][j], q[2][j], q[3][j], q[4][j], q[5][j]);
    } else {
      ToPoints(q[0][j], q[1][j], q[2][j], q[3][j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kWindow; ++i) {
      hn::StoreU(q[i][j], d, out + (i * kWindow + j) * tile.point_stride);
    }
  }
}

template <int kTile>
void TransformInputOf(const WinogradInput& tile) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t channel = 0;
  for (; channel + lanes <= tile.channels; channel += lanes) {
    TransformInputVector<kTile>(tile, channel, [&](const float* x) { return hn::LoadU(d, x); });
  }
  if (channel < tile.channels) {
    const auto rest = static_cast<size_t>(tile.channels - channel);
    TransformInputVector<kTile>(tile, channel,
                                [&](const float* x) { return LoadFirst(d, x, rest); });
  }
}

void TransformInput(const WinogradInput& tile) {
  if (tile.form.tile == 4) {
    TransformInputOf<4>(tile);
  } else {
    TransformInputOf<2>(tile);
  }
}

// The outputs of one vector of columns, with the bias.
template <int kTile>
HWY_INLINE void TransformOutputVector(const WinogradOutput& tile, int64_t column, V bias,
                                      V (&out)[kTile][kTile]) {
  constexpr int kWindow = kTile + 2;
  const D d;
  const float* const sums = tile.sums + column;
  V across[kTile][kWindow];
#pragma GCC unroll 6
  for (int j = 0; j < kWindow; ++j) {
    V s[kWindow];
    V o[kTile];
#pragma GCC unroll 6
    for (int i = 0; i < kWindow; ++i) {
      s[i] = hn::LoadU(d, sums + (i * kWindow + j) * tile.point_stride);
    }
    FromPoints(s, o);
#pragma GCC unroll 4
    for (int i = 0; i < kTile; ++i) across[i][j] = o[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTile; ++i) {
    FromPoints(across[i], out[i]);
#pragma GCC unroll 4
    for (int j = 0; j < kTile; ++j) out[i][j] = hn::Add(out[i][j], bias);
  }
}

// For any activation, by way of rows on the stack.
template <int kTile>
HWY_NOINLINE void FinishVector(const WinogradOutput& tile, int64_t column, size_t count,
                               const V (&out)[kTile][kTile]) {
  const D d;
  constexpr size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN float line[kTile * kLanes];
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

enum class Clamp { kNone, kLow, kBoth };

// Whole vectors with nothing more than a comparison after them.
template <Clamp kClamp, int kTile>
HWY_INLINE void StoreVector(const WinogradOutput& tile, int64_t column, V low, V high,
                            const V (&out)[kTile][kTile]) {
  const D d;
#pragma GCC unroll 4
  for (int i = 0; i < kTile; ++i) {
    if (i >= tile.rows) return;
#pragma GCC unroll 4
    for (int j = 0; j < kTile; ++j) {
      if (j >= tile.pixels) break;
      V x = out[i][j];
      if (tile.residual != nullptr) {
        x = hn::Add(x, hn::LoadU(d, tile.residual + i * tile.residual_line_stride +
                                        j * tile.residual_pixel_stride + column));
      }
      if constexpr (kClamp != Clamp::kNone) x = AtLeast(d, x, low);
      if constexpr (kClamp == Clamp::kBoth) x = AtMost(d, x, high);
      hn::StoreU(x, d, tile.out + i * tile.line_stride + j * tile.pixel_stride + column);
    }
  }
}

template <Clamp kClamp, int kTile>
void TransformColumns(const WinogradOutput& tile, float low, float high, int64_t end) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t column = 0; column < end; column += lanes) {
    V out[kTile][kTile];
    const V bias = tile.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, tile.bias + column);
    TransformOutputVector(tile, column, bias, out);
    StoreVector<kClamp, kTile>(tile, column, hn::Set(d, low), hn::Set(d, high), out);
  }
}

template <int kTile>
void TransformOutputOf(const WinogradOutput& tile) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Activation& activation = *tile.activation;
  int64_t column = tile.columns / lanes * lanes;
  if (activation.kind == Activation::Kind::kNone) {
    TransformColumns<Clamp::kNone, kTile>(tile, 0, 0, column);
  } else if (activation.kind == Activation::Kind::kRelu) {
    TransformColumns<Clamp::kLow, kTile>(tile, 0, 0, column);
  } else if (activation.kind == Activation::Kind::kClip) {
    TransformColumns<Clamp::kBoth, kTile>(tile, activation.alpha, activation.beta, column);
  } else {
    column = 0;
  }
  for (; column < tile.columns; column += lanes) {
    const auto count = static_cast<size_t>(std::min(lanes, tile.columns - column));
    V out[kTile][kTile];
    const V bias = tile.bias == nullptr ? hn::Zero(d) : LoadFirst(d, tile.bias + column, count);
    TransformOutputVector(tile, column, bias, out);
    FinishVector(tile, column, count, out);
  }
}

void TransformOutput(const WinogradOutput& tile) {
  if (tile.form.tile == 4) {
    TransformOutputOf<4>(tile);
  } else {
    TransformOutputOf<2>(tile);
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
