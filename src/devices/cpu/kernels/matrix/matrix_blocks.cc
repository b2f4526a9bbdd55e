// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/matrix_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/matrix_blocks.cc"
#include <algorithm>
#include <limits>

#include "base/tensor.h"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/matrix/matrix_tile-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCKS_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCKS_ONCE_
namespace mullion::cpu {
namespace {

// Taps whose row addresses are held at once. A kernel of more taps is taken in several parts, so
// that scratch memory does not grow with it.
constexpr int64_t kMaxTaps = 256;
// The widest block and the highest tile of any target, in floats and rows.
constexpr int64_t kMaxBlockColumns = 64;
constexpr int64_t kMaxTileRows = 12;
constexpr int64_t kMaxRowPanels = 4;
// Depth that a block of tiles runs over at a time: of the 1 MiB or more that level 2 caches have
// these days, a panel of 64 columns takes 1/8 and 192 rows of the left operand 3/8.
constexpr int64_t kDepthAtOnce = 512;
constexpr int64_t kLineFloats = 16;
// Sums that wait for an activation which is more than a comparison: half of a level 1 cache, five
// of the largest tiles or more.
constexpr int64_t kMostWaitingSums = 4096;

// One worker's memory.
struct Scratch {
  float* bias;          // of blocks that end within a vector, padded with zeros
  float* sums;          // [row of the block][column], between two parts of the depth
  float* tile;          // sums of tiles that are not stored directly
  float* rows_scratch;  // the row maker's own
  const float** rows;   // [tap][kMaxBlockRows]

  static constexpr int64_t kBiasFloats = kMaxRowPanels * kMaxBlockColumns;
  static constexpr int64_t kFloats =
      kBiasFloats + kMaxBlockRows * kMaxBlockColumns + kMostWaitingSums;
};

constexpr size_t RoundUpToLine(size_t bytes) {
  return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
}

size_t WorkerBytesOf(const MatrixProduct& product) {
  const auto floats = static_cast<size_t>(Scratch::kFloats + product.row_scratch_floats);
  const auto pointers = static_cast<size_t>(std::min(product.taps, kMaxTaps) * kMaxBlockRows);
  return RoundUpToLine(floats * sizeof(float)) + RoundUpToLine(pointers * sizeof(float*));
}

Scratch ScratchOf(const MatrixProduct& product, void* memory) {
  Scratch scratch;
  scratch.bias = static_cast<float*>(memory);
  scratch.sums = scratch.bias + Scratch::kBiasFloats;
  scratch.tile = scratch.sums + kMaxBlockRows * kMaxBlockColumns;
  scratch.rows_scratch = scratch.tile + kMostWaitingSums;
  const auto floats = static_cast<size_t>(Scratch::kFloats + product.row_scratch_floats);
  scratch.rows = reinterpret_cast<const float**>(static_cast<char*>(memory) +
                                                 RoundUpToLine(floats * sizeof(float)));
  return scratch;
}

// What sums begin with where there is no bias.
alignas(kMemoryAlignment) constexpr float kNoBias[Scratch::kBiasFloats] = {};

// Part of the depth: taps [tap, tap + taps), values [first, first + depth) of each.
struct DepthPart {
  int64_t tap;
  int64_t taps;
  int64_t first;
  int64_t depth;
};

}  // namespace
}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCKS_ONCE_

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

void DescribeTiles(ColumnBlocks& blocks) {
  const hwy::HWY_NAMESPACE::ScalableTag<float> d;
  blocks.lanes = static_cast<int>(hwy::HWY_NAMESPACE::Lanes(d));
  blocks.max_vectors = kMaxTileVectors;
}

int TileRows(int vectors) { return kTileRows[static_cast<size_t>(vectors - 1)]; }

// What the right operand's readers want next lies at `ahead`. Tiles fetch it, a line for each value
// of the depth, until all of it is there: weights that come from memory then cost little more than
// those that the cache holds. Two lines where the `rows` that are left of `all` make too few tiles
// for that; with very few rows weights are a stream that processors fetch by themselves. Of the
// tiles of a call takes those that do the same, and advances.
void FetchAhead(TileArguments& t, int64_t rows, int64_t all, int tile_rows, const float*& ahead,
                const float* end) {
  int64_t tile_floats = t.taps * t.depth * kLineFloats;
  const int64_t left = end == nullptr ? 0 : end - ahead;
  t.ahead_second = 0;
  if (tile_floats == 0 || left < tile_floats) {
    t.ahead = t.right;
    t.ahead_step = 0;
    return;
  }
  t.ahead = ahead;
  t.ahead_step = kLineFloats;
  const int64_t tiles_left =
      static_cast<uint32_t>(rows + tile_rows - 1) / static_cast<uint32_t>(tile_rows);
  if (all >= kMostRowsLeft && left > tile_floats * tiles_left && left >= 2 * tile_floats) {
    t.ahead_second = kLineFloats;
    t.ahead_step = 2 * kLineFloats;
    tile_floats *= 2;
  }
  // Most often there is enough for all: a division takes as long as a short tile's first row.
  if (left < t.tiles * tile_floats) t.tiles = left / tile_floats;
  ahead += t.tiles * tile_floats;
}

// The tiles of one block of rows and one block of columns.
class BlockRunner {
 public:
  BlockRunner(const MatrixProduct& product, RowMaker make_rows, const Scratch& scratch)
      : product_(product), make_rows_(make_rows), scratch_(scratch) {}

  // How many of `left` blocks of columns from `block` on can be taken at once.
  int64_t PanelsAt(int64_t row_count, int64_t block, int64_t left) const {
    if (row_count != 1 || left < kRowPanels || product_.half != nullptr) return 1;
    return product_.blocks.Vectors(block + kRowPanels - 1) == kMaxTileVectors ? kRowPanels : 1;
  }

  void Run(int64_t group, int64_t first_row, int64_t row_count, int64_t block, int64_t panels) {
    group_ = group;
    if (first_row != first_row_ || group != rows_group_) ForgetRows();
    first_row_ = first_row;
    rows_group_ = group;
    row_count_ = row_count;
    vectors_ = product_.blocks.Vectors(block);
    panels_ = panels;
    first_column_ = product_.blocks.FirstColumn(block);
    columns_ = product_.blocks.FirstColumn(block + panels - 1) - first_column_ +
               product_.blocks.Columns(block + panels - 1);
    width_ = panels * vectors_ * product_.blocks.lanes;
    start_ = StartOfSums();
    // Sums in half precision end with a part: for them parts hang on the depth alone.
    const bool parts = row_count > 2 * TileRows(vectors_) || product_.half != nullptr;
    const int64_t depth_at_once = parts ? kDepthAtOnce : std::numeric_limits<int64_t>::max();
    if (product_.depth > depth_at_once) {
      RunPartsOfTaps(depth_at_once);
    } else {
      RunWholeTaps(
          std::clamp<int64_t>(depth_at_once / std::max<int64_t>(product_.depth, 1), 1, kMaxTaps));
    }
  }

 private:
  void ForgetRows() { made_taps_ = 0; }

  // The bias, padded to whole vectors, or zeros when there is none.
  const float* StartOfSums() {
    const float* bias = product_.epilogue.bias;
    if (bias == nullptr) return kNoBias;
    bias += group_ * product_.bias_step + first_column_;
    if (columns_ == width_) return bias;
    std::copy_n(bias, columns_, scratch_.bias);
    std::fill(scratch_.bias + columns_, scratch_.bias + width_, 0.0f);
    return scratch_.bias;
  }

  // Taps too deep for the cache: each in even parts.
  void RunPartsOfTaps(int64_t depth_at_once) {
    const int64_t parts = (product_.depth + depth_at_once - 1) / depth_at_once;
    for (int64_t tap = 0; tap < product_.taps; ++tap) {
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t first = product_.depth * part / parts;
        const int64_t last = product_.depth * (part + 1) / parts;
        RunPart({tap, 1, first, last - first}, tap == 0 && part == 0,
                tap == product_.taps - 1 && part == parts - 1);
      }
    }
  }

  void RunWholeTaps(int64_t taps_at_once) {
    int64_t tap = 0;
    do {
      const int64_t taps = std::min(taps_at_once, product_.taps - tap);
      RunPart({tap, taps, 0, product_.depth}, tap == 0, tap + taps == product_.taps);
      tap += taps;
    } while (tap < product_.taps);
  }

  void RunPart(const DepthPart& part, bool begins, bool ends) {
    MakeRows(part);
    const int64_t width = static_cast<int64_t>(vectors_) * product_.blocks.lanes;
    const int64_t stride = product_.right_stride != 0 ? product_.right_stride : width;
    TileArguments t;
    t.row_stride = kMaxBlockRows;
    t.taps = part.taps;
    t.first = part.first;
    t.depth = part.depth;
    t.right = RightBlock() + (part.tap * product_.depth + part.first) * stride;
    t.right_stride = stride;
    t.panel_step = product_.right_stride != 0 ? width : width * product_.taps * product_.depth;
    const int tile_rows = TileRows(vectors_);
    const TileFinder find = product_.half != nullptr ? product_.half : &FindTile;
    const TileFunction whole_tile = product_.half != nullptr
                                        ? product_.half(vectors_, tile_rows)
                                        : FindWholeTile(vectors_, LastColumns());
    // Not for the last of several rows: which one is left hangs on the threads.
    const bool lone = product_.rows == 1 && product_.blocks.vectors() == 1 && !product_.of_samples;
    const float* ahead = t.right + part.taps * part.depth * stride;
    const float* const ahead_end = FetchEnd(t);
    int count = 0;
    for (int64_t row = 0; row < row_count_; row += t.tiles * count) {
      count = RowsOfTile(row_count_ - row, tile_rows);
      t.rows = scratch_.rows + (part.tap - made_first_tap_) * kMaxBlockRows + row;
      const int64_t even = EvenTiles(row, tile_rows);
      t.row_step = even == 0 ? 0 : even_.step;
      t.tiles = std::max<int64_t>(ends ? StoredTiles(row, even, tile_rows) : even, 1);
      FetchAhead(t, row_count_ - row, row_count_, tile_rows, ahead, ahead_end);
      float* const sums = scratch_.sums + row * kMaxBlockColumns;
      t.start = begins ? start_ : sums;
      t.start_stride = begins ? 0 : kMaxBlockColumns;
      TileFunction tile = panels_ > 1          ? FindRowTile()
                          : count == tile_rows ? whole_tile
                                               : find(vectors_, count);
      if (lone && product_.half == nullptr) tile = FindLoneTile();
      if (ends) {
        FinishTiles(t, tile, row, t.tiles * count);
      } else {
        StoreTile(t, tile, sums, kMaxBlockColumns);
      }
    }
  }

  // Whole tiles from `row` on whose rows lie at equal distances.
  int64_t EvenTiles(int64_t row, int tile_rows) const {
    const int64_t end = even_.end[static_cast<size_t>(row)];
    if (even_.step == 0 || end < row) return 0;
    const int64_t tiles = static_cast<uint32_t>(end - row) / static_cast<uint32_t>(tile_rows);
    // The last one is parted where a row would be left alone.
    const int64_t left = row_count_ - row - (tiles - 1) * tile_rows;
    return tiles > 0 && LeavesLoneRow(left, tile_rows) ? tiles - 1 : tiles;
  }

  // How many of `tiles` from `row` on can be finished together.
  int64_t StoredTiles(int64_t row, int64_t tiles, int tile_rows) const {
    const OutputLines& lines = product_.lines;
    if (lines.length != 0) {
      const int64_t left = lines.length - (first_row_ + row) % lines.length;
      tiles = std::min(tiles, (lines.last_columns == 0 ? left : left - 1) / tile_rows);
    }
    if (IsComparison(product_.epilogue.activation)) return tiles;
    return std::min(tiles, kMostWaitingSums / (tile_rows * width_));
  }

  // Addresses of this block's rows at the part's taps, unless they are still there.
  void MakeRows(const DepthPart& part) {
    if (part.tap >= made_first_tap_ && part.tap + part.taps <= made_first_tap_ + made_taps_) return;
    made_first_tap_ = product_.taps <= kMaxTaps ? 0 : part.tap;
    made_taps_ = std::min(product_.taps - made_first_tap_, kMaxTaps);
    even_.step = 0;
    // Tiles of halves take rows by address.
    make_rows_({group_, first_row_, row_count_, made_first_tap_, made_taps_, scratch_.rows,
                kMaxBlockRows, scratch_.rows_scratch, product_.half == nullptr ? &even_ : nullptr});
  }

  // Where the next part of the right operand, which lies behind this one, ends; null where there is
  // none.
  const float* FetchEnd(const TileArguments& t) const {
    if (product_.right_stride != 0 || row_count_ < kMostRowsLeft) return nullptr;
    return std::min(t.right + 2 * t.taps * t.depth * t.right_stride,
                    RightOperand() + product_.blocks.PackedFloats(product_.taps * product_.depth));
  }

  // Columns of the last vector.
  int64_t LastColumns() const { return columns_ - width_ + product_.blocks.lanes; }

  const float* RightOperand() const { return product_.right + group_ * product_.right_step; }

  const float* RightBlock() const {
    const float* const right = RightOperand();
    if (product_.right_stride != 0) return right + first_column_;
    return right + first_column_ * product_.taps * product_.depth;
  }

  void StoreTile(TileArguments& t, TileFunction tile, float* sums, int64_t stride) const {
    t.residual = nullptr;
    t.finish = TileFinish::kStore;
    t.last_columns = product_.blocks.lanes;
    t.out = sums;
    t.out_stride = stride;
    tile(t);
  }

  // The last part: tiles store to the output itself if they can, which they cannot where the
  // activation is more than a comparison, or rows lie at odd distances; tiles of halves store
  // whole vectors only.
  void FinishTiles(TileArguments& t, TileFunction tile, int64_t row, int64_t count) {
    const Epilogue& epilogue = product_.epilogue;
    const int64_t first = first_row_ + row;
    const int64_t step = product_.lines.step;
    const bool one_line = product_.lines.AreOneLine(first, count);
    const bool fits = columns_ == width_ || product_.half == nullptr;
    if (fits && one_line && product_.lines.HasAllColumns(first, count) && SetFinish(t)) {
      t.last_columns = LastColumns();
      t.out = OutputOf(first);
      t.out_stride = product_.out_stride * step;
      t.residual = ResidualOf(first);
      t.residual_stride = epilogue.residual_stride * step;
      tile(t);
      return;
    }
    // Rows of one vector follow each other without gaps: each writes over the padding of the one
    // before it. Where they do so in the output too, they are activated as one.
    const int64_t stride = vectors_ == 1 && product_.half == nullptr ? columns_ : width_;
    StoreTile(t, tile, scratch_.tile, stride);
    ActivationRows rows;
    rows.x_stride = stride;
    rows.residual_stride = epilogue.residual_stride * step;
    rows.out_stride = product_.out_stride * step;
    rows.count = one_line && product_.lines.HasAllColumns(first, count) ? count : 1;
    for (int64_t i = 0; i < count; i += rows.count) {
      rows.columns = product_.lines.ColumnsOf(first + i, columns_);
      rows.x = scratch_.tile + i * stride;
      rows.residual = ResidualOf(first + i);
      rows.out = OutputOf(first + i);
      ActivateEach(epilogue.activation, rows);
    }
  }

  float* OutputOf(int64_t row) const {
    return product_.out + group_ * product_.out_step +
           product_.lines.RowOf(row) * product_.out_stride + first_column_;
  }
  const float* ResidualOf(int64_t row) const {
    if (product_.epilogue.residual == nullptr) return nullptr;
    return product_.epilogue.residual + group_ * product_.residual_step +
           product_.lines.RowOf(row) * product_.epilogue.residual_stride + first_column_;
  }

  static bool IsComparison(const Activation& activation) {
    using Kind = Activation::Kind;
    return activation.kind == Kind::kNone || activation.kind == Kind::kRelu ||
           activation.kind == Kind::kClip;
  }

  // Has the tile apply an activation that is no more than comparisons; false for others.
  bool SetFinish(TileArguments& t) const {
    const Activation& activation = product_.epilogue.activation;
    t.finish = TileFinish::kStore;
    if (activation.kind == Activation::Kind::kRelu) {
      t.finish = TileFinish::kAtLeast;
      t.low = 0.0f;
    } else if (activation.kind == Activation::Kind::kClip) {
      t.finish = TileFinish::kClamp;
      t.low = activation.alpha;
      t.high = activation.beta;
    }
    return IsComparison(activation);
  }

  const MatrixProduct& product_;
  const RowMaker make_rows_;
  const Scratch scratch_;
  int64_t group_ = 0;
  int64_t first_row_ = -1;
  int64_t rows_group_ = -1;
  int64_t row_count_ = 0;
  int vectors_ = 0;  // of a block
  int64_t panels_ = 1;
  int64_t columns_ = 0;
  int64_t first_column_ = 0;
  int64_t width_ = 0;  // columns of all blocks, padded to whole vectors
  const float* start_ = nullptr;
  int64_t made_first_tap_ = 0;
  int64_t made_taps_ = 0;
  EvenRows even_;
};

// Tasks [begin, end) of the grid; blocks of columns change fastest, so that the addresses of rows
// are made once for all of them.
void RunTasks(const MatrixProduct& product, const MatrixGrid& grid, RowMaker make_rows,
              void* scratch, int64_t begin, int64_t end) {
  BlockRunner runner(product, make_rows, ScratchOf(product, scratch));
  const int64_t inner_count = grid.rows_outermost ? product.groups : grid.row_blocks;
  int64_t block = 0;
  int64_t inner = 0;
  int64_t outer = 0;
  if (begin > 0) {  // divisions take as long as a tiny product
    block = begin % grid.column_blocks;
    inner = begin / grid.column_blocks % inner_count;
    outer = begin / grid.column_blocks / inner_count;
  }
  for (int64_t task = begin, panels = 1; task < end; task += panels) {
    const int64_t row_block = grid.rows_outermost ? outer : inner;
    const int64_t group = grid.rows_outermost ? inner : outer;
    const int64_t first_row = row_block * grid.block_rows;
    const int64_t rows = std::min(grid.block_rows, product.rows - first_row);
    panels = runner.PanelsAt(rows, block, std::min(end - task, grid.column_blocks - block));
    runner.Run(group, first_row, rows, block, panels);
    block += panels;
    if (block < grid.column_blocks) continue;
    block = 0;
    if (++inner < inner_count) continue;
    inner = 0;
    ++outer;
  }
}

void MultiplyDense(const DenseBlock& block) {
  const int64_t depth = block.taps * block.depth;
  const float* rows[kMaxDenseTaps * kMaxTileRows];
  TileArguments t;
  t.rows = rows;
  t.row_stride = kMaxTileRows;
  t.taps = block.taps;
  t.first = 0;
  t.depth = block.depth;
  t.last_columns =
      static_cast<int64_t>(hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>()));
  t.right_stride = block.vectors * t.last_columns;
  t.panel_step = 0;
  t.start_stride = block.start_stride;
  t.residual = nullptr;
  t.residual_stride = block.added_stride;
  t.finish = block.at_least_zero ? TileFinish::kAtLeast : TileFinish::kStore;
  t.low = 0.0f;
  t.out_stride = block.out_stride;
  t.row_step = block.left_stride;
  const int tile_rows = TileRows(block.vectors);
  const TileFunction whole_tile =
      FindWholeTile(block.vectors, block.columns - (block.vectors - 1) * t.last_columns);
  // One tile of all rows rather than two of those that are left.
  const int64_t filled = block.has_spare_rows ? std::max(tile_rows - 1 - kMostRowsLeft, 0) : 0;
  for (int64_t product = 0; product < block.count; ++product) {
    t.right = block.right + product * block.right_step;
    // What the next product will read.
    const float* ahead = product + 1 < block.count ? t.right + block.right_step : block.next;
    const float* const end = ahead == nullptr ? ahead : ahead + depth * t.right_stride;
    int count = 0;
    for (int64_t row = 0; row < block.rows; row += t.tiles * count) {
      const int64_t tiles = (block.rows - row + filled) / tile_rows;
      count = tiles > 0 ? tile_rows : RowsOfTile(block.rows - row, tile_rows);
      const int addresses = tiles > 0 && block.left_stride != 0 ? 1 : count;
      for (int64_t tap = 0; tap < block.taps; ++tap) {
        const float* left = block.left[static_cast<size_t>(tap)] + product * block.left_step +
                            row * block.left_stride;
        const float** const tap_rows = rows + tap * kMaxTileRows;
        for (int i = 0; i < addresses; ++i, left += block.left_stride) tap_rows[i] = left;
      }
      t.tiles = std::max<int64_t>(tiles, 1);
      FetchAhead(t, block.rows - row, block.rows, tile_rows, ahead, end);
      t.start = block.start == nullptr ? kNoBias : block.start + row * block.start_stride;
      if (block.added != nullptr) t.residual = block.added + row * block.added_stride;
      t.out = block.out + product * block.out_step + row * block.out_stride;
      (tiles > 0 ? whole_tile : FindTile(block.vectors, count))(t);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void DescribeMatrixTiles(ColumnBlocks& blocks) { MULLION_SIMD_CALL(DescribeTiles)(blocks); }

int MatrixTileRows(int vectors) { return MULLION_SIMD_CALL(TileRows)(vectors); }

size_t MatrixWorkerBytes(const MatrixProduct& product) { return WorkerBytesOf(product); }

void RunMatrixTasks(const MatrixProduct& product, const MatrixGrid& grid, RowMaker rows,
                    void* scratch, int64_t begin, int64_t end) {
  MULLION_SIMD_CALL(RunTasks)(product, grid, rows, scratch, begin, end);
}

void MultiplyDenseBlock(const DenseBlock& block) { MULLION_SIMD_CALL(MultiplyDense)(block); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
