// SPDX-License-Identifier: MIT
// What the matrix kernel asks of a register tile, whatever the instruction set and precision.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_H_

#include <array>
#include <cstdint>

namespace mullion::cpu {

// What a tile does with its sums besides storing them.
enum class TileFinish : uint8_t { kStore, kAtLeast, kClamp };

struct TileArguments {
  const float* const* rows;  // rows[tap * row_stride + i] + first
  int64_t row_stride;
  // Not 0: only the first row of a tap is there by address, the others follow so many floats apart.
  // Tiles of floats with all their rows only. So many tiles follow each other then, in rows,
  // output, residual and what the sums begin with: a call costs as much as ten products.
  int64_t row_step;
  int64_t tiles;
  int64_t taps;
  int64_t first;
  int64_t depth;
  const float* right;  // [tap][k] rows of the tile's columns
  int64_t right_stride;
  int64_t panel_step;  // from one block of columns to the next, where a tile takes several
  // A cache line or two are fetched ahead for each value of the depth, `ahead_step` floats apart:
  // what later tiles will read while this one computes.
  const float* ahead;
  int64_t ahead_step;
  int64_t ahead_second;  // from the first line to the second, or 0
  const float* start;    // what the sums begin with; stride 0 repeats one row
  int64_t start_stride;
  float* out;
  int64_t out_stride;
  const float* residual;  // may be null
  int64_t residual_stride;
  int64_t last_columns;  // of the output and the residual in the last vector; tiles of floats only
  TileFinish finish;
  float low;
  float high;
};

using TileFunction = void (*)(const TileArguments&);
// The tile of exactly `rows` rows, `vectors` vectors wide.
using TileFinder = TileFunction (*)(int vectors, int rows);

// Rows of the tile that is `vectors` wide where there are 32 registers: kWideTileRows[vectors - 1].
inline constexpr std::array<int, 4> kWideTileRows = {12, 12, 8, 6};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_H_
