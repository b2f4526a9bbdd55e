// SPDX-License-Identifier: MIT
// Winograd's products with weights that are transformed across only (see winograd.h). Those of a
// column of points, one below the other, are made of three lines of weights in registers: of tiles
// of 5x5 outputs 21 numbers a kernel come from memory instead of 49.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_COLUMN_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_COLUMN_H_

#include <cstdint>

namespace mullion::cpu {

inline constexpr int64_t kWinogradColumnTiles = 9;    // taken at once
inline constexpr int64_t kWinogradColumnVectors = 2;  // of output channels, likewise
inline constexpr int64_t kWinogradColumnBlock = 64;   // output channels are a multiple of these

// For tiles of 5x5 outputs, with vectors of 16 floats only. Strides and steps are in floats.
struct WinogradColumn {
  int64_t tiles;  // a multiple of kWinogradColumnTiles
  int64_t depth;
  const float* rows;     // transformed input of the first tile at the column's first point
  int64_t row_stride;    // from a tile to the next
  int64_t row_step;      // from a point to the one below it
  const float* weights;  // [depth][line][kWinogradColumnVectors]; what is wanted next lies behind
  float* sums;           // of the same tile and point
  int64_t sum_stride;
  int64_t sum_step;
};
void MultiplyWinogradColumn(const WinogradColumn& column);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_COLUMN_H_
