// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/thin_winograd_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/thin_winograd_tile.cc"
#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/convolution/winograd_points-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/registers-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Other targets do not come here (see IsThinWinograd) and need no code.
inline constexpr bool kThinIsUsed = HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_SSE4;

template <int kWindow>
void TransformLines(const float* const* lines, int64_t count, float* out, int64_t stride) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t at = 0; at < count; at += lanes) {
    const auto here = static_cast<size_t>(std::min(lanes, count - at));
    hn::Vec<decltype(d)> x[kWindow];
#pragma GCC unroll 8
    for (int i = 0; i < kWindow; ++i) x[i] = LoadFirst(d, lines[i] + at, here);
    ToPoints(x);
#pragma GCC unroll 8
    for (int i = 0; i < kWindow; ++i) hn::StoreU(x[i], d, out + i * stride + at);
  }
}

void ThinLines(const float* const* lines, int window, int64_t count, float* out, int64_t stride) {
  if (!kThinIsUsed) return;
  if (window == 6) {
    TransformLines<6>(lines, count, out, stride);
  } else {
    TransformLines<8>(lines, count, out, stride);
  }
}

// The channels of a pixel, or with one channel as many tiles.
using ThinD = hn::CappedTag<float, kThinChannels>;
using ThinV = hn::Vec<ThinD>;

// Pixels of the windows of tiles side by side, of one channel.
HWY_INLINE void LoadWindows(const float* line, ThinV (&x)[6]) {
  const ThinD d;
  ThinV unused[2];
  hn::LoadInterleaved4(d, line, x[0], x[1], x[2], x[3]);
  hn::LoadInterleaved4(d, line + kThinTile, x[4], x[5], unused[0], unused[1]);
}
HWY_INLINE void LoadWindows(const float* line, ThinV (&x)[8]) {
  const ThinD d;
  hn::LoadInterleaved4(d, line, x[0], x[1], x[2], x[3]);
  hn::LoadInterleaved4(d, line + kThinTile, x[4], x[5], x[6], x[7]);
}

template <int kWindow>
void TransformTiles(const ThinTiles& tiles) {
  const ThinD d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const bool one = tiles.channels == 1;
  const int64_t end = one ? (tiles.count + kThinChannels - 1) / kThinChannels : tiles.count;
  const int64_t step = one ? int64_t{kThinTile} * kThinChannels : kThinTile * tiles.channels;
  float* out = tiles.points;
  for (int64_t tile = 0; tile < end; ++tile) {
    const float* line = tiles.lines + tile * step;
    for (int i = 0; i < kWindow; ++i, line += tiles.line_stride, out += kWindow * kThinChannels) {
      for (int64_t lane = 0; lane < kThinChannels; lane += lanes) {
        ThinV x[kWindow];
        if (one) {
          LoadWindows(line + lane * kThinTile, x);
        } else {
          const float* pixel = line + lane;
#pragma GCC unroll 8
          for (int j = 0; j < kWindow; ++j, pixel += tiles.channels) x[j] = hn::LoadU(d, pixel);
        }
        ToPoints(x);
#pragma GCC unroll 8
        for (int j = 0; j < kWindow; ++j) hn::StoreU(x[j], d, out + j * kThinChannels + lane);
      }
    }
  }
}

void ThinPoints(const ThinTiles& tiles) {
  if (!kThinIsUsed) return;
  if (tiles.window == 6) {
    TransformTiles<6>(tiles);
  } else {
    TransformTiles<8>(tiles);
  }
}

HWY_INLINE void ToOutputs(const hn::Vec<hn::ScalableTag<float>> (&sums)[6],
                          hn::Vec<hn::ScalableTag<float>> (&out)[kThinTile]) {
  FromPoints(sums, out);
}
HWY_INLINE void ToOutputs(const hn::Vec<hn::ScalableTag<float>> (&sums)[8],
                          hn::Vec<hn::ScalableTag<float>> (&out)[kThinTile]) {
  hn::Vec<hn::ScalableTag<float>> six[kMostWinogradLineOutputs];
  FromPoints(sums, kThinTile, kThinTile, six);
#pragma GCC unroll 4
  for (int i = 0; i < kThinTile; ++i) out[i] = six[i];
}

// Rows of outputs of one tile and vector of columns, from numbers for each point across.
template <int kWindow, class V>
HWY_INLINE void StoreTile(const ThinTiles& t, int64_t tile, int64_t column,
                          const V (&lines)[kThinTile][kWindow]) {
  const hn::DFromV<V> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t pixel = tile * kThinTile;
  const int64_t pixels = t.out_pixels - pixel;
  const auto count = static_cast<size_t>(std::min(lanes, t.columns - column));
  const V bias = t.bias == nullptr ? hn::Zero(d) : LoadFirst(d, t.bias + column, count);
  const V low = hn::Set(d, t.low);
  const V high = hn::Set(d, t.high);
  const int64_t stride = t.out_stride;
  const int64_t below = t.line_pixels * stride;
  const bool clamps = t.high < std::numeric_limits<float>::infinity();
  const bool whole = pixels >= kThinTile && count == static_cast<size_t>(lanes);
  float* to = t.out + pixel * stride + column;
#pragma GCC unroll 1
  for (int64_t i = 0; i < t.out_lines; ++i, to += below) {
    V out[kThinTile];
    ToOutputs(lines[i], out);
#pragma GCC unroll 4
    for (int j = 0; j < kThinTile; ++j) out[j] = AtLeast(d, hn::Add(out[j], bias), low);
    if (clamps) {
#pragma GCC unroll 4
      for (int j = 0; j < kThinTile; ++j) out[j] = AtMost(d, out[j], high);
    }
    if (whole) {
#pragma GCC unroll 4
      for (int j = 0; j < kThinTile; ++j) hn::StoreU(out[j], d, to + j * stride);
    } else {
#pragma GCC unroll 4
      for (int j = 0; j < kThinTile; ++j) {
        if (j < pixels) StoreFirst(out[j], d, to + j * stride, count);
      }
    }
  }
}

// The products of a few tiles and one vector of columns, point by point down a column of the
// window, so that sums stay in registers until they are outputs of that column.
template <int kWindow, int kTiles>
HWY_NOINLINE void MultiplyTiles(const ThinTiles& t, int64_t first, int64_t column) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const int64_t width = t.vectors * static_cast<int64_t>(hn::Lanes(d));
  const int64_t below = kWindow * t.channels * width;  // from a point's weights to those below
  const float* points[kTiles];
  for (int k = 0; k < kTiles; ++k) points[k] = t.PointsOf(std::min(first + k, t.count - 1));
  const float* weights = t.weights + column;

  V lines[kTiles][kThinTile][kWindow];
#pragma GCC unroll 1
  for (int j = 0; j < kWindow; ++j) {
    if (j < kThinTile) {
      // What will be written, as it comes from the level 2 cache.
      const float* to = t.out + (first * kThinTile + j * t.line_pixels) * t.out_stride + column;
#pragma GCC unroll 1
      for (int k = 0; k < kTiles * kThinTile; ++k, to += t.out_stride) __builtin_prefetch(to, 1, 3);
    }
    V sums[kTiles][kWindow];
    const float* left[kTiles];
#pragma GCC unroll 4
    for (int k = 0; k < kTiles; ++k) {
      left[k] = points[k] + j * kThinChannels;
#pragma GCC unroll 8
      for (int i = 0; i < kWindow; ++i) sums[k][i] = hn::Zero(d);
    }
#pragma GCC unroll 1
    for (int64_t c = 0; c < t.channels; ++c) {
      const float* right = weights;
#pragma GCC unroll 8
      for (int i = 0; i < kWindow; ++i) {
        const V columns = hn::LoadU(d, right + i % 3 * below);
        if (i % 3 == 2) right += 3 * below;
#pragma GCC unroll 4
        for (int k = 0; k < kTiles; ++k) {
          sums[k][i] =
              hn::MulAdd(hn::Set(d, left[k][i * kWindow * kThinChannels]), columns, sums[k][i]);
        }
      }
      weights += width;
#pragma GCC unroll 4
      for (int k = 0; k < kTiles; ++k) {
        ++left[k];
        KeepPointer(left[k]);
      }
    }
#pragma GCC unroll 4
    for (int k = 0; k < kTiles; ++k) {
      V out[kThinTile];
      ToOutputs(sums[k], out);
#pragma GCC unroll 4
      for (int i = 0; i < kThinTile; ++i) lines[k][i][j] = out[i];
    }
  }
  for (int k = 0; k < kTiles; ++k) {
    if (first + k < t.count) StoreTile(t, first + k, column, lines[k]);
  }
}

// Sums fill most of 32 registers, or of 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
inline constexpr int kThinTiles = 4;
inline constexpr int kThinWideTiles = 2;
#else
inline constexpr int kThinTiles = 2;
inline constexpr int kThinWideTiles = 1;
#endif

void ThinProducts(const ThinTiles& tiles) {
  if (!kThinIsUsed) return;
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const int step = tiles.window == 6 ? kThinTiles : kThinWideTiles;
  const auto multiply =
      tiles.window == 6 ? &MultiplyTiles<6, kThinTiles> : &MultiplyTiles<8, kThinWideTiles>;
  for (int64_t first = 0; first < tiles.count; first += step) {
    for (int vector = 0; vector < tiles.vectors; ++vector) {
      multiply(tiles, first, vector * lanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void TransformThinLines(const float* const* lines, int window, int64_t count, float* out,
                        int64_t stride) {
  MULLION_SIMD_CALL(ThinLines)(lines, window, count, out, stride);
}

void TransformThinTiles(const ThinTiles& tiles) { MULLION_SIMD_CALL(ThinPoints)(tiles); }

void MultiplyThinTiles(const ThinTiles& tiles) { MULLION_SIMD_CALL(ThinProducts)(tiles); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
