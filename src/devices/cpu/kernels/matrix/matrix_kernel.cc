// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"

namespace mullion::cpu {

namespace {

// Multiply-adds: of a chunk at least (2 to 4 microseconds) and at most, and the tasks that each
// thread should find.
constexpr int64_t kLeastWork = 250'000;
constexpr int64_t kMostWork = 50'000'000;
constexpr int64_t kTasksPerThread = 4;

// Rows of a block: as many as kMaxBlockRows allows, of even height and in whole tiles, and fewer
// while there are too few tasks for the threads.
int64_t BlockRows(const MatrixProduct& product, int64_t work, int threads) {
  const int64_t tile_rows = MatrixTileRows(product.blocks.Vectors(0));
  int64_t blocks = DivideUp(product.rows, kMaxBlockRows);
  if (threads > 1) {
    const int64_t wanted =
        DivideUp(kTasksPerThread * threads, product.groups * product.blocks.count());
    const int64_t most = std::min(DivideUp(product.rows, 2 * tile_rows), work / kLeastWork);
    blocks = std::max(blocks, std::min(wanted, most));
  }
  // Blocks of columns that differ have tiles of different heights.
  const int64_t last_rows = MatrixTileRows(product.blocks.Vectors(product.blocks.count() - 1));
  int64_t whole_tiles = tile_rows;
  while (threads == 1 && whole_tiles % last_rows != 0) whole_tiles += tile_rows;
  return RoundUp(DivideUp(product.rows, blocks), whole_tiles);
}

// Tasks that are claimed at once: long enough that claiming costs nothing, short enough that a
// cancelled evaluation ends soon, and whole blocks of rows where there are enough of them.
int64_t ChunkOf(const MatrixGrid& grid, int64_t work, int threads) {
  const int64_t task = std::max<int64_t>(work / grid.tasks, 1);
  const int64_t fair = threads == 1 ? grid.tasks : grid.tasks / (kTasksPerThread * threads);
  const int64_t chunk = std::clamp<int64_t>(fair, DivideUp(kLeastWork, task),
                                            std::max(kMostWork / task, DivideUp(kLeastWork, task)));
  return chunk > grid.column_blocks ? chunk / grid.column_blocks * grid.column_blocks : chunk;
}

// Weights that stay in the level 2 cache beside the rows of a block.
constexpr int64_t kFewWeights = 64 * 1024;

// Whether groups are columns side by side, as in a convolution: their weights may be read again
// for every block of rows, which then go to the thread that has the pixels around.
bool GroupsShareRows(const MatrixProduct& product) {
  return product.groups > 1 && product.out_step * product.groups <= product.out_stride &&
         product.groups * product.blocks.PackedFloats(product.taps * product.depth) <= kFewWeights;
}

MatrixGrid MakeGrid(const MatrixProduct& product, int threads) {
  const int64_t work =
      product.groups * product.rows * product.blocks.columns * product.taps * product.depth;
  MatrixGrid grid;
  grid.column_blocks = product.blocks.count();
  // A chunk of one block: what follows would say the same, in a tenth of a tiny product's time.
  if (work <= kLeastWork && product.rows <= kMaxBlockRows) {
    grid.block_rows = product.rows;
    grid.row_blocks = 1;
    grid.tasks = grid.chunk = product.groups * grid.column_blocks;
    return grid;
  }
  grid.block_rows = BlockRows(product, work, threads);
  grid.row_blocks = DivideUp(product.rows, grid.block_rows);
  grid.rows_outermost = GroupsShareRows(product);
  grid.tasks = product.groups * grid.column_blocks * grid.row_blocks;
  grid.chunk = ChunkOf(grid, work, threads);
  return grid;
}

}  // namespace

ColumnBlocks ColumnBlocks::Of(int64_t columns) {
  ColumnBlocks blocks;
  blocks.columns = columns;
  DescribeMatrixTiles(blocks);
  blocks.vectors_ = DivideUp(columns, blocks.lanes);
  if (blocks.vectors_ <= blocks.max_vectors) {  // without a division, as most tiny products are
    blocks.count_ = blocks.vectors_ > 0 ? 1 : 0;
    blocks.even_vectors_ = blocks.vectors_;
  } else {
    blocks.count_ = DivideUp(blocks.vectors_, blocks.max_vectors);
    blocks.even_vectors_ = blocks.vectors_ / blocks.count_;
    blocks.wider_blocks_ = blocks.vectors_ % blocks.count_;
  }
  return blocks;
}

size_t MatrixScratchBytes(const MatrixProduct& product, int threads) {
  return MatrixWorkerBytes(product) * static_cast<size_t>(threads);
}

void MultiplyMatrix(const MatrixProduct& product, RowMaker rows, void* scratch,
                    Parallel& parallel) {
  if (product.rows == 0 || product.blocks.columns == 0 || product.groups == 0) return;
  const MatrixGrid grid = MakeGrid(product, parallel.threads());
  const size_t worker_bytes = MatrixWorkerBytes(product);
  parallel.For(grid.tasks, grid.chunk, [&](int64_t begin, int64_t end, int worker) {
    char* const memory = static_cast<char*>(scratch) + worker_bytes * static_cast<size_t>(worker);
    RunMatrixTasks(product, grid, rows, memory, begin, end);
  });
}

}  // namespace mullion::cpu
