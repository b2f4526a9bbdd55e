// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_product.h"

#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"
#include "devices/cpu/kernels/simd/even_blocks.h"

namespace mullion::cpu {

namespace {

// Rows of a block: whole tiles of 6, 8 and 12, and fewer when addresses would leave the cache.
constexpr int64_t kBlockRows = 96;
// Rows whose sums are finished together: whole tiles too, and 6 KiB at most, which stay in the
// first-level cache beside what they are made of.
constexpr int64_t kSumCount = 24 * kMaxTileGroups * kColumnGroup;
constexpr int64_t FinishRows(int groups) { return kSumCount / (groups * kColumnGroup); }
constexpr int64_t kMaxAddresses = 8192;
// While tiles run through a panel of a right operand of so many bytes they fetch the next one. Of
// smaller ones that takes longer than it saves.
constexpr int64_t kFetchedBytes = 128 * 1024;
constexpr int64_t kPanelColumns = kMaxTileGroups * kColumnGroup;
// Multiply-adds that are worth a task of their own, and into how many tasks work is cut at most for
// each thread. Few rows take as long as their weights take to come, a byte from the level 3 cache
// about four multiply-adds.
constexpr double kLeastWork = 1e6;
constexpr double kByteWork = 4;
constexpr int64_t kTasksPerThread = 4;

int64_t BlockRows(const IntegerProduct& product) {
  const int64_t most = kMaxAddresses / product.panels.taps / kMaxTileRows * kMaxTileRows;
  return std::min(kBlockRows, std::max<int64_t>(most, kMaxTileRows));
}

struct Grid {
  int64_t block_rows;
  int64_t row_blocks;
  int64_t panel_parts;  // parts of the panels that are tasks of their own
  int64_t tasks;
  int64_t chunk;
};

// Sums of integers are the same in any order, so the grid may hang on the number of threads.
Grid MakeGrid(const IntegerProduct& product, int threads) {
  const IntegerPanels& panels = product.panels;
  const int64_t tile_rows = IntegerTileRows(panels.form, panels.Groups(0), product.rows);
  // As few as possible: each reads all weights.
  const RowBlocks row_blocks =
      EvenRowBlocks(product.rows, BlockRows(product), tile_rows, /*repeats=*/1, /*threads=*/1);
  Grid grid;
  grid.block_rows = row_blocks.rows;
  grid.row_blocks = row_blocks.count;
  const int64_t blocks = product.images * product.groups * grid.row_blocks;
  const double work = static_cast<double>(blocks * grid.block_rows) *
                      static_cast<double>(product.panels.columns) *
                      static_cast<double>(product.panels.taps * product.panels.depth);
  const double pieces =
      std::max(work, kByteWork * static_cast<double>(product.groups * product.panels.bytes())) /
      kLeastWork;
  const int64_t wanted = kTasksPerThread * threads;
  const bool divide = threads > 1 && blocks < wanted && pieces > static_cast<double>(blocks);
  grid.panel_parts = divide ? std::min(DivideUp(wanted, blocks), product.panels.count()) : 1;
  grid.tasks = blocks * grid.panel_parts;
  grid.chunk =
      pieces < 1 ? grid.tasks : std::max<int64_t>(grid.tasks / static_cast<int64_t>(pieces), 1);
  return grid;
}

// What one worker needs: addresses, sums of rows, a tile or, transposed, a block of results.
struct Workspace {
  const uint8_t** rows;
  int32_t* row_sums;
  int32_t* sums;   // kSumCount
  uint8_t* block;  // block rows x kPanelColumns
  FloatRange* range;
};

int64_t WorkspaceBytes(const IntegerProduct& product) {
  return BlockRows(product) * product.panels.taps * int64_t{sizeof(void*)} +
         kBlockRows * int64_t{sizeof(int32_t)} + kSumCount * int64_t{sizeof(int32_t)} +
         (product.column_stride != 1 ? kBlockRows * kPanelColumns * 4 : 0);
}

Workspace WorkspaceOf(const IntegerProduct& product, void* scratch, int worker) {
  uint8_t* at = static_cast<uint8_t*>(scratch) + WorkspaceBytes(product) * worker;
  Workspace space;
  space.rows = reinterpret_cast<const uint8_t**>(at);
  at += BlockRows(product) * product.panels.taps * int64_t{sizeof(void*)};
  space.row_sums = reinterpret_cast<int32_t*>(at);
  at += kBlockRows * int64_t{sizeof(int32_t)};
  space.sums = reinterpret_cast<int32_t*>(at);
  at += kSumCount * int64_t{sizeof(int32_t)};
  space.block = at;
  space.range = product.ranges == nullptr ? nullptr : product.ranges + worker;
  return space;
}

// One block of rows of one image and group, through some of the panels.
class BlockRunner {
 public:
  BlockRunner(const IntegerProduct& product, const Workspace& space, int64_t image, int64_t group,
              int64_t first_row, int64_t row_count)
      : product_(product),
        space_(space),
        image_(image),
        group_(group),
        first_row_(first_row),
        row_count_(row_count) {}

  void Run(IntegerRowMaker make_rows, int64_t first_panel, int64_t last_panel, bool fetches) {
    make_rows({image_, group_, first_row_, row_count_, space_.rows, row_count_});
    if (product_.finish.right_zeros != nullptr || product_.right_zero != 0) SumRows();
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      RunPanel(panel, fetches && panel + 1 < last_panel);
    }
  }

 private:
  // Only byte form: words have no zero points.
  void SumRows() const {
    const IntegerPanels& panels = product_.panels;
    for (int64_t r = 0; r < row_count_; ++r) {
      auto sum = static_cast<uint32_t>(-panels.taps * panels.depth * LeftZero(r));
      for (int64_t tap = 0; tap < panels.taps; ++tap) {
        sum += SumRow(space_.rows[tap * row_count_ + r], panels.depth);
      }
      if (product_.right_zero != 0) sum *= static_cast<uint32_t>(-product_.right_zero);
      space_.row_sums[r] = static_cast<int32_t>(sum);
    }
  }

  int64_t LeftZero(int64_t row) const {
    const int32_t* const zeros = product_.finish.left_zeros;
    return zeros == nullptr ? product_.left_zero : zeros[image_ * product_.rows + first_row_ + row];
  }

  void RunPanel(int64_t panel, bool fetches_next) const {
    const IntegerPanels& panels = product_.panels;
    const int64_t first_column = panels.FirstColumn(panel);
    const int64_t columns = std::min(panels.FirstColumn(panel + 1), panels.columns) - first_column;
    const int groups = panels.Groups(panel);
    const bool whole = columns == groups * kColumnGroup;
    const bool transposed = product_.column_stride != 1;
    IntegerFinish finish = FinishOf(first_column);
    const int64_t bytes = OutputBytes(finish.output);
    const int64_t at = image_ * product_.image_step + group_ * product_.group_step +
                       first_row_ * product_.row_stride + first_column * product_.column_stride;
    uint8_t* const out = static_cast<uint8_t*>(product_.out) + bytes * at;
    if (finish.residual != nullptr) finish.residual += at;
    uint8_t* const results = transposed ? space_.block : out;
    const int64_t stride = transposed ? kPanelColumns : product_.row_stride;
    const bool direct = finish.IsPlain() && whole;
    IntegerTile tile{};
    tile.tap_stride = row_count_;
    tile.taps = panels.taps;
    tile.units = panels.units();
    tile.packed = product_.packed + group_ * panels.bytes() + first_column * panels.column_bytes();
    tile.packed_stride = groups * kColumnGroup * 4;
    tile.init = product_.init + group_ * panels.padded_columns() + first_column;
    const int64_t next = fetches_next ? panels.Groups(panel + 1) * kColumnGroup : 0;
    const uint8_t* const end = tile.packed + groups * kColumnGroup * panels.column_bytes();
    AheadBytes ahead{end, end + next * panels.column_bytes()};
    const int64_t finish_rows = FinishRows(groups);
    for (int64_t first = 0; first < row_count_; first += finish_rows) {
      const int64_t count = std::min(finish_rows, row_count_ - first);
      uint8_t* const result = results + bytes * first * stride;
      tile.out = direct ? reinterpret_cast<int32_t*>(result) : space_.sums;
      tile.out_stride = direct ? stride : groups * kColumnGroup;
      RunTiles(tile, groups, first, count, ahead);
      if (direct) continue;
      FinishIntegers(finish, space_.sums, groups * kColumnGroup, count, columns, result, stride);
      finish.MoveRows(count, stride);
    }
    if (transposed) {
      TransposeTile(static_cast<size_t>(bytes), results, stride * bytes, out,
                    product_.column_stride * bytes, static_cast<size_t>(row_count_),
                    static_cast<size_t>(columns));
    }
  }

  // Rows [first, first + count) of the block. Neither this nor what is to become of sums is copied
  // for each call: what was just written in pieces is slow to be read as a whole.
  void RunTiles(IntegerTile& tile, int groups, int64_t first, int64_t count,
                AheadBytes& ahead) const {
    const int64_t lines = product_.panels.taps * product_.panels.units();
    int rows = IntegerTileRows(product_.panels.form, groups, count);
    for (int64_t r = 0; r < count; r += rows, tile.out += rows * tile.out_stride) {
      if (rows > count - r) rows = IntegerTileRows(product_.panels.form, groups, count - r);
      tile.rows = space_.rows + first + r;
      tile.row_init = product_.right_zero == 0 ? nullptr : space_.row_sums + first + r;
      tile.ahead = ahead.Take(lines * kLineBytes);
      RunIntegerTile(product_.panels.form, rows, groups, tile);
    }
  }

  // What becomes of a panel of this group, from the first row on.
  IntegerFinish FinishOf(int64_t first_column) const {
    IntegerFinish finish = product_.finish;
    const int64_t at = group_ * product_.panels.padded_columns() + first_column;
    finish.MoveColumns(at);
    if (IntegerRescale& rescale = finish.rescale; rescale.residual != nullptr) {
      rescale.residual += (image_ * product_.rows + first_row_) * rescale.residual_stride +
                          group_ * product_.panels.columns + first_column;
    }
    finish.range = space_.range;
    if (finish.right_zeros != nullptr) finish.row_sums = space_.row_sums;
    if (finish.left_zeros != nullptr) {
      finish.left_zeros += image_ * product_.rows + first_row_;
      finish.column_sums =
          product_.panels.ColumnSums(product_.packed + group_ * product_.panels.bytes()) +
          first_column;
    }
    return finish;
  }

  const IntegerProduct& product_;
  const Workspace& space_;
  const int64_t image_;
  const int64_t group_;
  const int64_t first_row_;
  const int64_t row_count_;
};

}  // namespace

int64_t IntegerScratchBytes(const IntegerProduct& product, int threads) {
  return WorkspaceBytes(product) * threads;
}

void MultiplyIntegers(const IntegerProduct& product, IntegerRowMaker make_rows, void* scratch,
                      Parallel& parallel) {
  if (product.images * product.groups * product.rows * product.panels.columns == 0) return;
  const Grid grid = MakeGrid(product, parallel.threads());
  const int64_t panels = product.panels.count();
  const bool large = product.panels.panel_bytes() >= kFetchedBytes;
  parallel.For(grid.tasks, grid.chunk, [&](int64_t begin, int64_t end, int worker) {
    const Workspace space = WorkspaceOf(product, scratch, worker);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % grid.panel_parts;
      const int64_t row_block = task / grid.panel_parts % grid.row_blocks;
      const int64_t index = task / grid.panel_parts / grid.row_blocks;
      const int64_t first_row = row_block * grid.block_rows;
      BlockRunner runner(product, space, index / product.groups, index % product.groups, first_row,
                         std::min(grid.block_rows, product.rows - first_row));
      // What an earlier block has read is in the cache of the thread that ran it.
      const bool fetches = large && (first_row == 0 || parallel.threads() > 1);
      runner.Run(make_rows, part * panels / grid.panel_parts,
                 (part + 1) * panels / grid.panel_parts, fetches);
    }
  });
}

}  // namespace mullion::cpu
