// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/plane_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/plane_tile.cc"
#include <algorithm>

#include "devices/cpu/kernels/matrix/transpose_tile.h"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Targets of shorter vectors do not come here (see UsesPlaneConvolution) and need no code.
inline constexpr bool kHasPlaneTiles = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2;
// Pixels of a tile, whose sums fill most of the registers.
inline constexpr int kPlanePixels = HWY_TARGET == HWY_AVX3 ? 24 : 11;
static_assert(kPlanePixels <= kPlaneTilePixels);

using PlaneD = hn::ScalableTag<float>;
using PlaneV = hn::Vec<PlaneD>;

// Where not all of a tile is there to be written.
HWY_NOINLINE void StorePart(const PlaneV* sums, float* out, int64_t out_stride, int64_t pixels,
                            size_t columns) {
  for (int64_t i = 0; i < pixels; ++i, out += out_stride) {
    StoreFirst(sums[i], PlaneD(), out, columns);
  }
}

// An input is loaded once for two taps side by side, of this output and the one before.
template <int kPixels>
HWY_NOINLINE void PlaneTile(const PlaneTiles& t, int64_t pixel) {
  const PlaneD d;
  const size_t lanes = hn::Lanes(d);
  PlaneV sums[kPixels];
  sums[0] = t.bias == nullptr ? hn::Zero(d) : LoadFirst(d, t.bias, t.columns);
#pragma GCC unroll 32
  for (int i = 1; i < kPixels; ++i) sums[i] = sums[0];
  const float* HWY_RESTRICT input = t.input + pixel;
  for (const PlaneTap *tap = t.taps, *const end = tap + t.tap_count; tap != end; ++tap) {
    const float* const from = input + tap->input;
    const PlaneV first = hn::LoadU(d, t.weights + tap->first);
    if (tap->second < 0) {
#pragma GCC unroll 32
      for (int i = 0; i < kPixels; ++i) {
        sums[i] = hn::MulAdd(hn::Set(d, from[i]), first, sums[i]);
      }
      continue;
    }
    const PlaneV second = hn::LoadU(d, t.weights + tap->second);
    PlaneV left = hn::Set(d, from[0]);
#pragma GCC unroll 32
    for (int i = 0; i < kPixels; ++i) {
      sums[i] = hn::MulAdd(left, first, sums[i]);
      left = hn::Set(d, from[i + 1]);
      sums[i] = hn::MulAdd(left, second, sums[i]);
    }
  }
  const PlaneV low = hn::Set(d, t.low);
  const PlaneV high = hn::Set(d, t.high);
#pragma GCC unroll 32
  for (int i = 0; i < kPixels; ++i) sums[i] = AtMost(d, AtLeast(d, sums[i], low), high);
  float* out = t.out + pixel * t.out_stride;
  if (t.pixels - pixel < kPixels || t.columns < lanes) {
    PlaneV stored[kPixels];
#pragma GCC unroll 32
    for (int i = 0; i < kPixels; ++i) stored[i] = sums[i];
    StorePart(stored, out, t.out_stride, std::min<int64_t>(t.pixels - pixel, kPixels), t.columns);
    return;
  }
#pragma GCC unroll 32
  for (int i = 0; i < kPixels; ++i, out += t.out_stride) hn::StoreU(sums[i], d, out);
}

// Where channels would fill at most half a vector, vectors run along the pixels instead: each
// weight meets some vectors of inputs, and the sums are turned.
template <int kVectors>
HWY_NOINLINE void NarrowTile(const PlaneTiles& t, int64_t pixel) {
  constexpr int kChannels = static_cast<int>(kNarrowPlaneColumns);
  const PlaneD d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  PlaneV sums[kVectors][kChannels];
#pragma GCC unroll 32
  for (int c = 0; c < kChannels; ++c) {
    const bool biased = t.bias != nullptr && static_cast<size_t>(c) < t.columns;
    sums[0][c] = hn::Set(d, biased ? t.bias[c] : 0.0f);
#pragma GCC unroll 4
    for (int v = 1; v < kVectors; ++v) sums[v][c] = sums[0][c];
  }
  const auto add = [&](const float* from, const float* weights) HWY_ATTR {
    PlaneV inputs[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) inputs[v] = hn::LoadU(d, from + v * lanes);
#pragma GCC unroll 32
    for (int c = 0; c < kChannels; ++c) {
      const PlaneV weight = hn::Set(d, weights[c]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[v][c] = hn::MulAdd(inputs[v], weight, sums[v][c]);
    }
  };
  const float* HWY_RESTRICT input = t.input + pixel;
  for (const PlaneTap *tap = t.taps, *const end = tap + t.tap_count; tap != end; ++tap) {
    add(input + tap->input, t.weights + tap->first);
    if (tap->second >= 0) add(input + tap->input + 1, t.weights + tap->second);
  }
  const PlaneV low = hn::Set(d, t.low);
  const PlaneV high = hn::Set(d, t.high);
  HWY_ALIGN float turned[kChannels * kVectors * hn::MaxLanes(d)];
#pragma GCC unroll 32
  for (int c = 0; c < kChannels; ++c) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(AtMost(d, AtLeast(d, sums[v][c], low), high), d,
                turned + (c * kVectors + v) * lanes);
    }
  }
  const int64_t bytes = sizeof(float);
  TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(turned), kVectors * lanes * bytes,
                reinterpret_cast<uint8_t*>(t.out + pixel * t.out_stride), t.out_stride * bytes,
                t.columns, static_cast<size_t>(std::min(t.pixels - pixel, kVectors * lanes)));
}

void PlaneProducts(const PlaneTiles& tiles) {
  if constexpr (!kHasPlaneTiles) return;
  if constexpr (HWY_TARGET == HWY_AVX3) {
    if (tiles.columns <= static_cast<size_t>(kNarrowPlaneColumns)) {
      const auto lanes = static_cast<int64_t>(hn::Lanes(PlaneD()));
      int64_t pixel = 0;
      for (; tiles.pixels - pixel > lanes; pixel += 2 * lanes) NarrowTile<2>(tiles, pixel);
      if (pixel < tiles.pixels) NarrowTile<1>(tiles, pixel);
      return;
    }
  }
  // For what is left behind whole tiles.
  constexpr int kSome = kPlanePixels * 2 / 3;
  int64_t pixel = 0;
  for (; tiles.pixels - pixel > kSome; pixel += kPlanePixels) PlaneTile<kPlanePixels>(tiles, pixel);
  for (; pixel < tiles.pixels; pixel += kSome) PlaneTile<kSome>(tiles, pixel);
}

void CopyLine(const PlaneLine& line, int stride) {
  if constexpr (!kHasPlaneTiles) return;
  if (stride == 1) {
    std::copy_n(line.from, line.counts[0], line.to[0]);
    return;
  }
  const PlaneD d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t pairs = std::min(line.counts[0], line.counts[1]);
  int64_t i = 0;
  for (; i + lanes <= pairs; i += lanes) {
    PlaneV even, odd;
    hn::LoadInterleaved2(d, line.from + 2 * i, even, odd);
    hn::StoreU(even, d, line.to[0] + i);
    hn::StoreU(odd, d, line.to[1] + i);
  }
  for (size_t phase = 0; phase < 2; ++phase) {
    for (int64_t k = i; k < line.counts[phase]; ++k) {
      line.to[phase][k] = line.from[2 * k + static_cast<int64_t>(phase)];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void MultiplyPlaneTiles(const PlaneTiles& tiles) { MULLION_SIMD_CALL(PlaneProducts)(tiles); }

void CopyPlaneLine(const PlaneLine& line, int stride) { MULLION_SIMD_CALL(CopyLine)(line, stride); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
