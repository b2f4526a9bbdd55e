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

// Six sums along one axis to four outputs: A^T.
HWY_INLINE void FromPoints(V a, V b, V c, V d, V e, V f, V& o0, V& o1, V& o2, V& o3) {
  const D tag;
  const V even = hn::Add(b, c);
  const V odd = hn::Sub(b, c);
  const V outer_even = hn::Add(d, e);
  const V outer_odd = hn::Sub(d, e);
  o0 = hn::Add(hn::Add(a, even), outer_even);
  o1 = hn::MulAdd(hn::Set(tag, 2.0f), outer_odd, odd);
  o2 = hn::MulAdd(hn::Set(tag, 4.0f), outer_even, even);
  o3 = hn::Add(hn::MulAdd(hn::Set(tag, 8.0f), outer_odd, odd), f);
}

template <class Load>
HWY_INLINE void TransformInputVector(const WinogradInput& tile, int64_t channel, Load load) {
  const D d;
  V q[kWinogradWindow][kWinogradWindow];
#pragma GCC unroll 6
  for (int i = 0; i < kWinogradWindow; ++i) {
    const float* const* const line = tile.pixels.data() + i * kWinogradWindow;
#pragma GCC unroll 6
    for (int j = 0; j < kWinogradWindow; ++j) q[i][j] = load(line[j] + channel);
    ToPoints(q[i][0], q[i][1], q[i][2], q[i][3], q[i][4], q[i][5]);
  }
  float* const out = tile.out + channel;
#pragma GCC unroll 6
  for (int j = 0; j < kWinogradWindow; ++j) {
    ToPoints(q[0][j], q[1][j], q[2][j], q[3][j], q[4][j], q[5][j]);
#pragma GCC unroll 6
    for (int i = 0; i < kWinogradWindow; ++i) {
      hn::StoreU(q[i][j], d, out + (i * kWinogradWindow + j) * tile.point_stride);
    }
  }
}

void TransformInput(const WinogradInput& tile) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t channel = 0;
  for (; channel + lanes <= tile.channels; channel += lanes) {
    TransformInputVector(tile, channel, [&](const float* x) { return hn::LoadU(d, x); });
  }
  if (channel < tile.channels) {
    const auto rest = static_cast<size_t>(tile.channels - channel);
    TransformInputVector(tile, channel, [&](const float* x) { return LoadFirst(d, x, rest); });
  }
}

// The outputs of one vector of columns, with the bias.
HWY_INLINE void TransformOutputVector(const WinogradOutput& tile, int64_t column, V bias,
                                      V out[kWinogradTile][kWinogradTile]) {
  const D d;
  const float* const sums = tile.sums + column;
  V across[kWinogradTile][kWinogradWindow];
#pragma GCC unroll 6
  for (int j = 0; j < kWinogradWindow; ++j) {
    V s[kWinogradWindow];
#pragma GCC unroll 6
    for (int i = 0; i < kWinogradWindow; ++i) {
      s[i] = hn::LoadU(d, sums + (i * kWinogradWindow + j) * tile.point_stride);
    }
    FromPoints(s[0], s[1], s[2], s[3], s[4], s[5], across[0][j], across[1][j], across[2][j],
               across[3][j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kWinogradTile; ++i) {
    V* const x = across[i];
    FromPoints(x[0], x[1], x[2], x[3], x[4], x[5], out[i][0], out[i][1], out[i][2], out[i][3]);
#pragma GCC unroll 4
    for (int j = 0; j < kWinogradTile; ++j) out[i][j] = hn::Add(out[i][j], bias);
  }
}

// For any activation, by way of a row on the stack.
HWY_NOINLINE void FinishVector(const WinogradOutput& tile, int64_t column, size_t count,
                               const V out[kWinogradTile][kWinogradTile]) {
  const D d;
  HWY_ALIGN float row[hn::MaxLanes(D())];
  for (int i = 0; i < tile.rows; ++i) {
    for (int j = 0; j < tile.pixels; ++j) {
      hn::Store(out[i][j], d, row);
      const float* const residual = tile.residual == nullptr
                                        ? nullptr
                                        : tile.residual + i * tile.residual_line_stride +
                                              j * tile.residual_pixel_stride + column;
      ActivateRow(*tile.activation, row, residual,
                  tile.out + i * tile.line_stride + j * tile.pixel_stride + column, count);
    }
  }
}

enum class Clamp { kNone, kLow, kBoth };

// Whole vectors with nothing more than a comparison after them.
template <Clamp kClamp>
HWY_INLINE void StoreVector(const WinogradOutput& tile, int64_t column, V low, V high,
                            const V out[kWinogradTile][kWinogradTile]) {
  const D d;
#pragma GCC unroll 4
  for (int i = 0; i < kWinogradTile; ++i) {
    if (i >= tile.rows) return;
#pragma GCC unroll 4
    for (int j = 0; j < kWinogradTile; ++j) {
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

template <Clamp kClamp>
void TransformOutputOf(const WinogradOutput& tile, float low, float high, int64_t end) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t column = 0; column < end; column += lanes) {
    V out[kWinogradTile][kWinogradTile];
    const V bias = tile.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, tile.bias + column);
    TransformOutputVector(tile, column, bias, out);
    StoreVector<kClamp>(tile, column, hn::Set(d, low), hn::Set(d, high), out);
  }
}

void TransformOutput(const WinogradOutput& tile) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Activation& activation = *tile.activation;
  int64_t column = tile.columns / lanes * lanes;
  if (activation.kind == Activation::Kind::kNone) {
    TransformOutputOf<Clamp::kNone>(tile, 0, 0, column);
  } else if (activation.kind == Activation::Kind::kRelu) {
    TransformOutputOf<Clamp::kLow>(tile, 0, 0, column);
  } else if (activation.kind == Activation::Kind::kClip) {
    TransformOutputOf<Clamp::kBoth>(tile, activation.alpha, activation.beta, column);
  } else {
    column = 0;
  }
  for (; column < tile.columns; column += lanes) {
    const auto count = static_cast<size_t>(std::min(lanes, tile.columns - column));
    V out[kWinogradTile][kWinogradTile];
    const V bias = tile.bias == nullptr ? hn::Zero(d) : LoadFirst(d, tile.bias + column, count);
    TransformOutputVector(tile, column, bias, out);
    FinishVector(tile, column, count, out);
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
