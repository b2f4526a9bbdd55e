// SPDX-License-Identifier: MIT
// The inner half of the matrix kernel: blocks of rows by blocks of columns, tile by tile, on one
// thread (see matrix_kernel.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_BLOCKS_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_BLOCKS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/matrix/matrix_kernel.h"

namespace mullion::cpu {

// The work cut into tasks: every group, times blocks of rows, times blocks of columns. Blocks of
// columns change fastest, blocks of rows next or groups.
struct MatrixGrid {
  bool rows_outermost = false;
  int64_t block_rows = 0;
  int64_t row_blocks = 0;
  int64_t column_blocks = 0;
  int64_t tasks = 0;
  int64_t chunk = 1;
};

// What the instruction level in use makes of columns: sets `lanes` and `max_vectors`.
void DescribeMatrixTiles(ColumnBlocks& blocks);
// Rows of the tile that is so many vectors wide.
int MatrixTileRows(int vectors);

// Scratch memory of one worker.
size_t MatrixWorkerBytes(const MatrixProduct& product);

// Tasks [begin, end) of the grid.
void RunMatrixTasks(const MatrixProduct& product, const MatrixGrid& grid, RowMaker rows,
                    void* scratch, int64_t begin, int64_t end);

inline constexpr int64_t kMaxDenseTaps = 8;

// Small products of rows at equal distances with packed columns of one block:
// out = start + sum over taps of left[tap] * right[tap] + added.
struct DenseBlock {
  int64_t count = 1;  // of products, whose operands lie so many floats apart
  int64_t left_step = 0;
  int64_t right_step = 0;
  int64_t out_step = 0;
  int64_t taps = 1;
  std::array<const float*, kMaxDenseTaps> left{};
  int64_t left_stride = 0;
  int64_t rows = 0;
  // Whether as many rows behind the last as make a tile's may be read and written.
  bool has_spare_rows = false;
  int64_t depth = 0;             // of a tap
  const float* right = nullptr;  // [tap][depth][vectors]
  const float* start = nullptr;  // whole vectors; null: zeros
  int64_t start_stride = 0;      // 0: the same for all rows
  // Added to the sums, a row to each, or one to all where the stride is 0; null: nothing is.
  const float* added = nullptr;
  int64_t added_stride = 0;
  bool at_least_zero = false;
  int vectors = 0;
  int64_t columns = 0;          // of those vectors that are wanted
  const float* next = nullptr;  // as much again as of a product that will be wanted next, or null
  // Up to whole vectors are written, so rows that are closer write over the ends of those before
  // them.
  float* out = nullptr;
  int64_t out_stride = 0;
};
void MultiplyDenseBlock(const DenseBlock& block);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_BLOCKS_H_
