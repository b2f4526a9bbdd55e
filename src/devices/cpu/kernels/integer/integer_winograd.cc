// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_winograd.h"

#include <algorithm>

#include "devices/cpu/kernels/convolution/winograd_form.h"
#include "devices/cpu/kernels/integer/integer_winograd_transform.h"
#include "devices/cpu/kernels/simd/even_blocks.h"

namespace mullion::cpu::integer_winograd {

namespace {

// Transformed inputs and sums of a block of tiles: what leaves room in a level 2 cache of 1 MiB for
// the weights, which stream.
constexpr int64_t kBlockBytes = 640 * 1024;
// Weights take eight times the memory, and the time to read it; half as many products are to be
// saved where the direct way has bytes.
constexpr int64_t MostWeights(IntegerForm form) {
  return form == IntegerForm::kBytes ? 128 * 128 : 256 * 256;
}
// Tiles whose results are finished together, side by side.
constexpr int64_t kRunTiles = 4;
// Elements between the numbers of neighbouring points: without it they would share a set of the
// cache.
constexpr int64_t kGap = 32;

IntegerPanels PanelsOfShape(const ConvolutionShape& shape) {
  return PanelsOf(shape.in_channels, shape.out_channels);
}

}  // namespace

const int32_t* Sums(const ConvolutionShape& shape, const uint8_t* packed) {
  return reinterpret_cast<const int32_t*>(packed + kHeaderBytes +
                                          PanelsOfShape(shape).panel_bytes());
}

bool Takes(int64_t in_channels, int64_t out_channels, IntegerForm form) {
  return in_channels >= kFewestChannels && out_channels >= kColumnGroup &&
         in_channels * out_channels <= MostWeights(form);
}

bool Fit(const uint8_t* packed) { return *packed != 0; }

bool Prefers(const ConvolutionShape& shape, IntegerForm form) {
  const TileAxis down(shape.axes[0], kTile);
  const TileAxis across(shape.axes[1], kTile);
  // In vectors of multiply-adds: a vector of bytes has twice as many as one of words. The
  // transforms take about 5 operations for each input and output of a point.
  const auto tiles = static_cast<double>(down.tiles * across.tiles);
  const auto pixels = static_cast<double>(down.output * across.output);
  const auto in = static_cast<double>(shape.in_channels);
  const auto out = static_cast<double>(shape.out_channels);
  const double products = in * out / 32;
  const double direct = 9 * pixels * products / (form == IntegerForm::kBytes ? 2 : 1);
  return tiles * kPoints * (products + 5 * (in + out) / 16) < direct;
}

namespace {

struct Plan {
  Plan(const ConvolutionShape& shape, int threads)
      : down(shape.axes[0], kTile),
        across(shape.axes[1], kTile),
        panels(PanelsOfShape(shape)),
        depth(panels.units() * 2),
        tiles(shape.batch * down.tiles * across.tiles) {
    const int64_t bytes = kPoints * (depth * 2 + kPanelColumns * 4);
    const int64_t rows = IntegerTileRows(IntegerForm::kWords, panels.Groups(0), tiles);
    blocks = EvenRowBlocks(tiles, kBlockBytes / bytes, rows, panels.count(), threads);
    input_stride = blocks.rows * depth + kGap;
    sum_stride = blocks.rows * kPanelColumns + kGap;
    // With few blocks, threads share the panels, and each transforms what it needs.
    if (threads > 1 && blocks.count < 2 * threads) panel_parts = panels.count();
  }

  // Bytes of a worker: transformed inputs, sums at the points, sums, addresses.
  int64_t InputBytes() const { return kPoints * input_stride * 2; }
  int64_t SumBytes() const { return kPoints * sum_stride * 4; }
  static constexpr int64_t kLine = kRunTiles * kTile * kPanelColumns;
  static constexpr int64_t kRunBytes = kTile * kLine * 4;
  int64_t WorkerBytes() const {
    return InputBytes() + SumBytes() + kRunBytes +
           (blocks.rows * int64_t{sizeof(void*)} + 63) / 64 * 64;
  }

  TileAxis down;
  TileAxis across;
  IntegerPanels panels;
  int64_t depth;  // words of a row
  int64_t tiles;  // of the whole batch
  RowBlocks blocks;
  int64_t input_stride;
  int64_t sum_stride;
  int64_t panel_parts = 1;
};

constexpr int32_t kNoInit[kPanelColumns] = {};

// A block of tiles through some of the panels.
class WinogradBlock {
 public:
  WinogradBlock(const Job& job, const Plan& plan, int64_t block, int worker, void* scratch)
      : job_(job), plan_(plan), begin_(block * plan.blocks.rows) {
    end_ = std::min(begin_ + plan.blocks.rows, plan.tiles);
    uint8_t* at = static_cast<uint8_t*>(scratch) + plan.WorkerBytes() * worker;
    inputs_ = reinterpret_cast<int16_t*>(at);
    sums_ = reinterpret_cast<int32_t*>(at + plan.InputBytes());
    run_ = reinterpret_cast<int32_t*>(at + plan.InputBytes() + plan.SumBytes());
    rows_ = reinterpret_cast<const uint8_t**>(at + plan.InputBytes() + plan.SumBytes() +
                                              Plan::kRunBytes);
    range_ = job.ranges == nullptr ? nullptr : job.ranges + worker;
  }

  void TransformInput() const {
    Input tile;
    tile.channels = job_.shape.in_channels;
    tile.flip = job_.is_signed ? 0x80 : 0;
    tile.point_stride = plan_.input_stride;
    tile.out = inputs_;
    for (int64_t t = begin_; t < end_; ++t, tile.out += plan_.depth) {
      FindPixels(t, tile);
      integer_winograd::TransformInput(tile);
    }
  }

  void RunPanel(int64_t panel) const {
    Multiply(panel);
    const int64_t first = plan_.panels.FirstColumn(panel);
    const int64_t columns =
        std::min(plan_.panels.FirstColumn(panel + 1), job_.shape.out_channels) - first;
    int64_t count = 0;
    for (int64_t t = begin_; t < end_; t += count) {
      const int64_t line = plan_.across.tiles - t % plan_.across.tiles;
      count = std::min({line, end_ - t, kRunTiles});
      Finish(t, count, first, columns);
    }
  }

 private:
  void FindPixels(int64_t t, Input& tile) const {
    const TileAxis& down = plan_.down;
    const TileAxis& across = plan_.across;
    const int64_t image = t / across.tiles / down.tiles;
    const int64_t top = down.FirstInput(down.FirstOutput(t / across.tiles % down.tiles));
    const int64_t left = across.FirstInput(across.FirstOutput(t % across.tiles));
    size_t at = 0;
    for (int64_t y = top; y < top + kWindow; ++y) {
      for (int64_t x = left; x < left + kWindow; ++x, ++at) {
        const bool inside = y >= 0 && y < down.input && x >= 0 && x < across.input;
        tile.pixels[at] =
            inside ? job_.input + ((image * down.input + y) * across.input + x) * tile.channels
                   : job_.padding;
      }
    }
  }

  void Multiply(int64_t panel) const {
    const IntegerPanels& panels = plan_.panels;
    const int groups = panels.Groups(panel);
    IntegerTile tile{};
    tile.taps = 1;
    tile.units = panels.units();
    tile.packed_stride = groups * kColumnGroup * 4;
    tile.packed = job_.packed + kHeaderBytes + panels.FirstColumn(panel) * panels.column_bytes();
    tile.init = kNoInit;
    tile.out_stride = kPanelColumns;
    const int64_t bytes = panels.units() * tile.packed_stride;
    const int64_t count = end_ - begin_;
    for (int64_t point = 0; point < kPoints; ++point) {
      const int16_t* const inputs = inputs_ + point * plan_.input_stride;
      for (int64_t r = 0; r < count; ++r) {
        rows_[r] = reinterpret_cast<const uint8_t*>(inputs + r * plan_.depth);
      }
      tile.out = sums_ + point * plan_.sum_stride;
      // The next point's weights, or the next panel's.
      const bool last = point + 1 == kPoints && panel + 1 == panels.count();
      AheadBytes ahead{tile.packed + bytes, tile.packed + (last ? 1 : 2) * bytes};
      int rows = 0;
      for (int64_t r = 0; r < count; r += rows, tile.out += rows * kPanelColumns) {
        rows = IntegerTileRows(IntegerForm::kWords, groups, count - r);
        tile.rows = rows_ + r;
        tile.ahead = ahead.Take(panels.units() * kLineBytes);
        RunIntegerTile(IntegerForm::kWords, rows, groups, tile);
      }
      tile.packed += bytes;
    }
  }

  // Tiles side by side.
  void Finish(int64_t first, int64_t count, int64_t first_column, int64_t columns) const {
    Output tile;
    tile.point_stride = plan_.sum_stride;
    tile.init = job_.init + first_column;
    tile.columns = columns;
    tile.line_stride = Plan::kLine;
    for (int64_t i = 0; i < count; ++i) {
      tile.sums = sums_ + (first - begin_ + i) * kPanelColumns;
      tile.out = run_ + i * kTile * kPanelColumns;
      TransformSums(tile);
    }
    const TileAxis& down = plan_.down;
    const TileAxis& across = plan_.across;
    const int64_t image = first / across.tiles / down.tiles;
    const int64_t top = down.FirstOutput(first / across.tiles % down.tiles);
    const int64_t left = across.FirstOutput(first % across.tiles);
    const int64_t pixels = std::min(count * kTile, across.output - left);
    for (int64_t i = 0; i < down.Outputs(top); ++i) {
      const int64_t pixel = (image * down.output + top + i) * across.output + left;
      FinishLine(run_ + i * Plan::kLine, pixel, pixels, first_column, columns);
    }
  }

  void FinishLine(int32_t* sums, int64_t pixel, int64_t pixels, int64_t first_column,
                  int64_t columns) const {
    const int64_t stride = job_.shape.out_channels;
    const int64_t at = pixel * stride + first_column;
    IntegerFinish finish = job_.finish;
    finish.MoveColumns(first_column);
    if (finish.residual != nullptr) finish.residual += at;
    if (finish.rescale.residual != nullptr) {
      finish.rescale.residual += pixel * finish.rescale.residual_stride + first_column;
    }
    finish.range = range_;
    FinishIntegers(finish, sums, kPanelColumns, pixels, columns,
                   static_cast<uint8_t*>(job_.out) + at * OutputBytes(finish.output), stride);
  }

  const Job& job_;
  const Plan& plan_;
  int64_t begin_;
  int64_t end_;
  int16_t* inputs_;
  int32_t* sums_;
  int32_t* run_;
  const uint8_t** rows_;
  FloatRange* range_;
};

}  // namespace

int64_t ScratchBytes(const ConvolutionShape& shape, int threads) {
  return Plan(shape, threads).WorkerBytes() * threads;
}

void Run(const Job& job, void* scratch, Parallel& parallel) {
  const Plan plan(job.shape, parallel.threads());
  const int64_t parts = plan.panel_parts;
  const int64_t panels = plan.panels.count();
  parallel.For(plan.blocks.count * parts, 1, [&](int64_t task, int64_t end, int worker) {
    for (; task < end; ++task) {
      const WinogradBlock block(job, plan, task / parts, worker, scratch);
      block.TransformInput();
      const int64_t part = task % parts;
      for (int64_t panel = part * panels / parts; panel < (part + 1) * panels / parts; ++panel) {
        block.RunPanel(panel);
      }
    }
  });
}

}  // namespace mullion::cpu::integer_winograd
