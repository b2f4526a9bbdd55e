// SPDX-License-Identifier: MIT
// The vector arithmetic of Winograd's convolution (see winograd.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_WINOGRAD_TRANSFORM_H_
#define MULLION_DEVICES_CPU_KERNELS_WINOGRAD_TRANSFORM_H_

#include <array>
#include <cstdint>

#include "devices/cpu/kernels/activation.h"

namespace mullion::cpu {

inline constexpr int kWinogradTile = 4;     // outputs along an axis
inline constexpr int kWinogradWindow = 6;   // inputs along an axis
inline constexpr int kWinogradPoints = 36;  // numbers a tile is transformed to

// One tile of the input: 36 numbers for each channel.
struct WinogradInput {
  std::array<const float*, kWinogradPoints> pixels;  // row by row
  int64_t channels;
  float* out;  // whole vectors are written
  int64_t point_stride;
};
void TransformWinogradInput(const WinogradInput& tile);

// One tile of the output.
struct WinogradOutput {
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

#endif  // MULLION_DEVICES_CPU_KERNELS_WINOGRAD_TRANSFORM_H_
