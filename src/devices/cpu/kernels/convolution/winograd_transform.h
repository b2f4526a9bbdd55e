// SPDX-License-Identifier: MIT
// The vector arithmetic of Winograd's convolution (see winograd.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_TRANSFORM_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_TRANSFORM_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "devices/cpu/kernels/elementwise/activation.h"

namespace mullion::cpu {

inline constexpr int kMostWinogradPoints = 81;

inline constexpr int kWinogradLinePoints = 8;
inline constexpr int kMostWinogradLineOutputs = 6;

// Tiles of 6x6, 5x5, 4x4 or 2x2 outputs, or of 2 to 6 in a line, or of 4x4 outputs two pixels
// apart, or of kernels larger than 3x3 those of 2x2 to 5x5 outputs that eight inputs along an axis
// make.
struct WinogradForm {
  static constexpr int kStridedWeights = 6;

  int tile = 4;       // outputs along an axis
  bool line = false;  // along one axis only
  bool strided = false;
  int kernel = 3;            // weights along an axis
  bool across_only = false;  // weights are transformed along the last axis only

  // Inputs along an axis.
  int window() const {
    return line ? kWinogradLinePoints : strided ? 2 * tile + 1 : tile + kernel - 1;
  }
  // Numbers a tile is transformed to.
  int points() const { return line ? window() : window() * window(); }
  // Numbers that weights are transformed to, and the one that a point of the input is multiplied
  // with: strided inputs in odd places share the last along an axis.
  int64_t weight_points() const {
    if (across_only) return int64_t{kernel} * window();
    return strided ? int64_t{kStridedWeights} * kStridedWeights : points();
  }
  int64_t WeightOf(int64_t point) const {
    if (!strided) return point;
    const int64_t down = std::min<int64_t>(point / window(), kStridedWeights - 1);
    return down * kStridedWeights + std::min<int64_t>(point % window(), kStridedWeights - 1);
  }
};

// One tile of the input: a number for each point and channel.
struct WinogradInput {
  WinogradForm form;
  std::array<const float*, kMostWinogradPoints> pixels;  // row by row
  int64_t channels;
  // Floats from a pixel to the one at its place in the next tile, which is fetched meanwhile.
  int64_t ahead;
  float* out;  // whole vectors are written
  int64_t point_stride;
};
void TransformWinogradInput(const WinogradInput& tile);

// One tile of the output. That of a line has rows of one pixel.
struct WinogradOutput {
  WinogradForm form;
  const float* sums;  // whole vectors are read
  int64_t point_stride;
  int64_t columns;
  const float* bias;  // may be null
  const Activation* activation;
  // The tile's first pixel, and those of its rows and columns that exist.
  float* out;
  const float* residual;  // may be null
  int64_t pixel_stride;
  int64_t line_stride;
  int64_t residual_pixel_stride;
  int64_t residual_line_stride;
  int rows;
  int pixels;
};
void TransformWinogradOutput(const WinogradOutput& tile);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_TRANSFORM_H_
