// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/winograd_transform.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/winograd_transform.cc"
#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/convolution/winograd_points-inl.h"
#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// With AVX-512, where masks cost nothing, all vectors are loaded as the last one is. Elsewhere what
// is left of the channels is brought together in memory (see TransformChannels).
HWY_INLINE V LoadChannels(const float* pixel, [[maybe_unused]] size_t count) {
#if HWY_TARGET == HWY_AVX3
  return LoadFirst(D(), pixel, count);
#else
  return hn::LoadU(D(), pixel);
#endif
}

size_t ChannelsFrom(const WinogradInput& tile, int64_t channel) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  return static_cast<size_t>(std::min(lanes, tile.channels - channel));
}

HWY_NOINLINE void TransformLineVector(const WinogradInput& tile, int64_t channel) {
  const size_t count = ChannelsFrom(tile, channel);
  V x[kWinogradLinePoints];
#pragma GCC unroll 8
  for (int i = 0; i < kWinogradLinePoints; ++i) {
    x[i] = LoadChannels(tile.pixels[static_cast<size_t>(i)] + channel, count);
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
template <int kWindow, int kStep>
HWY_NOINLINE void TransformInputVector(const WinogradInput& tile, int64_t channel) {
  const D d;
  const size_t count = ChannelsFrom(tile, channel);
  V lines[kWindow][kWindow];
#pragma GCC unroll 1
  for (int i = 0; i < kWindow; ++i) {
    const float* const* const line = tile.pixels.data() + i * kWindow;
    V x[kWindow];
#pragma GCC unroll 9
    for (int j = 0; j < kWindow; ++j) x[j] = LoadChannels(line[j] + channel, count);
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

using InputVector = void (*)(const WinogradInput& tile, int64_t channel);

HWY_INLINE void TransformChannels(const WinogradInput& tile, InputVector transform) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t channel = 0;
  for (; channel + lanes <= tile.channels; channel += lanes) transform(tile, channel);
  if (channel == tile.channels) return;
#if HWY_TARGET == HWY_AVX3
  transform(tile, channel);
#else
  constexpr size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN float numbers[kMostWinogradPoints * kLanes];
  WinogradInput rest;
  rest.channels = tile.channels - channel;
  rest.ahead = 0;
  rest.out = tile.out + channel;
  rest.point_stride = tile.point_stride;
  const int window = tile.form.window();
  const auto inputs = static_cast<size_t>(tile.form.line ? window : window * window);
  for (size_t i = 0; i < inputs; ++i) {
    const auto count = static_cast<size_t>(rest.channels);
    hn::Store(LoadFirst(d, tile.pixels[i] + channel, count), d, numbers + i * kLanes);
    rest.pixels[i] = numbers + i * kLanes;
  }
  transform(rest, 0);
#endif
}

// Plain code does not take this form (see UsesWinograd).
inline constexpr bool kHasStridedForm = HWY_TARGET != HWY_SCALAR;

void TransformInput(const WinogradInput& tile) {
  if (tile.form.line) {
    TransformChannels(tile, &TransformLineVector);
  } else if (kHasStridedForm && tile.form.strided) {
    TransformChannels(tile, &TransformInputVector<9, 8>);
  } else if (tile.form.window() == kWinogradLinePoints) {
    TransformChannels(tile, &TransformInputVector<8, 6>);
  } else if (tile.form.tile == 5) {
    TransformChannels(tile, &TransformInputVector<7, 5>);
  } else if (tile.form.tile == 4) {
    TransformChannels(tile, &TransformInputVector<6, 4>);
  } else {
    TransformChannels(tile, &TransformInputVector<4, 2>);
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

// Vectors that are not whole, with nothing more than comparisons after them. `out` has a line of
// `line` vectors for each row, as below.
HWY_NOINLINE void StorePart(const WinogradOutput& tile, int64_t column, size_t count, V low, V high,
                            const V* out, int line) {
  const D d;
  for (int i = 0; i < tile.rows; ++i, out += line) {
    float* to = tile.out + i * tile.line_stride + column;
    const float* residual = tile.residual;
    if (residual != nullptr) residual += i * tile.residual_line_stride + column;
    for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
      V sum = out[j];
      if (residual != nullptr) {
        sum = hn::Add(sum, LoadFirst(d, residual, count));
        residual += tile.residual_pixel_stride;
      }
      StoreFirst(AtMost(d, AtLeast(d, sum, low), high), d, to, count);
    }
  }
}

// For any activation, by way of rows on the stack.
HWY_NOINLINE void FinishVector(const WinogradOutput& tile, int64_t column, size_t count,
                               const V* out, int line) {
  const D d;
  constexpr size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN float pixels[kMostWinogradLineOutputs * kLanes];
  ActivationRows rows;
  rows.x = pixels;
  rows.x_stride = kLanes;
  rows.residual_stride = tile.residual_pixel_stride;
  rows.out_stride = tile.pixel_stride;
  rows.count = tile.pixels;
  rows.columns = static_cast<int64_t>(count);
  for (int i = 0; i < tile.rows; ++i, out += line) {
    for (int j = 0; j < tile.pixels; ++j) hn::Store(out[j], d, pixels + j * kLanes);
    if (tile.residual != nullptr) {
      rows.residual = tile.residual + i * tile.residual_line_stride + column;
    }
    rows.out = tile.out + i * tile.line_stride + column;
    ActivateEach(*tile.activation, rows);
  }
}

// Whole vectors with nothing more than comparisons after them.
HWY_NOINLINE void StoreWhole(const WinogradOutput& tile, int64_t column, V low, V high,
                             const V* out, int line) {
  const D d;
  for (int i = 0; i < tile.rows; ++i, out += line) {
    float* to = tile.out + i * tile.line_stride + column;
    if (tile.residual == nullptr) {
      for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
        hn::StoreU(AtMost(d, AtLeast(d, out[j], low), high), d, to);
      }
      continue;
    }
    const float* residual = tile.residual + i * tile.residual_line_stride + column;
    for (int j = 0; j < tile.pixels; ++j, to += tile.pixel_stride) {
      const V sum = hn::Add(out[j], hn::LoadU(d, residual));
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
      StoreWhole(tile, column, hn::Set(d, low), hn::Set(d, high), &out[0][0], kPixels);
    } else if (bounded) {
      StorePart(tile, column, count, hn::Set(d, low), hn::Set(d, high), &out[0][0], kPixels);
    } else {
      FinishVector(tile, column, count, &out[0][0], kPixels);
    }
  }
}

void TransformOutput(const WinogradOutput& tile) {
  if (tile.form.line) {
    TransformOutputOf<kWinogradLinePoints, kMostWinogradLineOutputs, 1>(tile);
  } else if (kHasStridedForm && tile.form.strided) {
    TransformOutputOf<9, 4, 4>(tile);
  } else if (tile.form.window() == kWinogradLinePoints) {
    TransformOutputOf<kWinogradLinePoints, kMostWinogradLineOutputs, kMostWinogradLineOutputs>(
        tile);
  } else if (tile.form.tile == 5) {
    TransformOutputOf<7, 5, 5>(tile);
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
