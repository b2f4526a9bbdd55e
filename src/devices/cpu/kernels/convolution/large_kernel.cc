// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/large_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/large_kernel_transform.h"
#include "devices/cpu/kernels/matrix/few_columns.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"

namespace mullion::cpu {

namespace {

// Floats of packed weights at most: they are read again for each line of a strip's tiles.
constexpr int64_t kMostPacked = 1024 * 1024;
// What a strip's transformed input and sums take: a third or more of a level 2 cache is left for
// weights.
constexpr int64_t kStripBytes = 384 * 1024;
constexpr int64_t kMaxColumns = 64;  // of a block, on any instruction set
// Between the numbers of neighbouring points: without it they would share a set of the cache.
constexpr int64_t kGap = 16;
// The point (1, 1), whose sum all nine outputs of a tile contain once: where the bias goes in.
constexpr int64_t kBiasPoint = kLargeWindow + 1;
constexpr int64_t kTasksPerThread = 4;
// With more, a line of an image's tiles would make too few rows for the product's tile.
constexpr int64_t kMostTilesAtOnce = 5;

// G of the points 0, 1, -1, 2 and infinity.
std::array<float, kLargeWindow> ToPoints(float a, float b, float c) {
  const float even = a + c;
  return {a * 0.5f, -0.5f * (even + b), (b - even) * (1.0f / 6), (a + 2 * b + 4 * c) * (1.0f / 6),
          c};
}

using Points = std::array<std::array<float, kLargeWindow>, kLargeWindow>;

// One block of a kernel of `height` x `width` weights, with zeros for what hangs over.
Points TransformBlock(const float* kernel, int64_t height, int64_t width, int64_t down,
                      int64_t across) {
  std::array<std::array<float, kLargeWindow>, kLargeTile> lines{};
  for (int64_t i = 0; i < kLargeTile; ++i) {
    std::array<float, kLargeTile> line{};
    for (int64_t j = 0; j < kLargeTile; ++j) {
      const int64_t y = down * kLargeTile + i;
      const int64_t x = across * kLargeTile + j;
      if (y < height && x < width) line[static_cast<size_t>(j)] = kernel[y * width + x];
    }
    lines[static_cast<size_t>(i)] = ToPoints(line[0], line[1], line[2]);
  }
  Points points;
  for (size_t j = 0; j < kLargeWindow; ++j) {
    const auto column = ToPoints(lines[0][j], lines[1][j], lines[2][j]);
    for (size_t i = 0; i < kLargeWindow; ++i) points[i][j] = column[i];
  }
  return points;
}

int64_t VectorsOf(int64_t columns, int64_t lanes) { return DivideUp(columns, lanes); }

}  // namespace

LargeKernelForm LargeKernelForm::Of(const ConvolutionShape& shape) {
  LargeKernelForm form;
  form.in_channels = shape.in_channels;
  form.out_channels = shape.out_channels;
  form.blocks_down = DivideUp(shape.axes[0].kernel, kLargeTile);
  form.blocks_across = DivideUp(shape.axes[1].kernel, kLargeTile);
  // As many tiles of one vector as need the fewest multiply-adds a tile.
  const int64_t lanes = ColumnBlocks::Of(1).lanes;
  const int64_t most = std::min(lanes / std::max<int64_t>(form.out_channels, 1), kMostTilesAtOnce);
  const auto cost = [&](int64_t tiles) {
    return (form.blocks_across + tiles - 1) * VectorsOf(tiles * form.out_channels, lanes);
  };
  for (int64_t tiles = 2; tiles <= most; ++tiles) {
    if (cost(tiles) * form.tiles_at_once < cost(form.tiles_at_once) * tiles) {
      form.tiles_at_once = tiles;
    }
  }
  form.depth = (form.blocks_across + form.tiles_at_once - 1) * form.in_channels;
  form.columns = ColumnBlocks::Of(form.tiles_at_once * form.out_channels);
  // Spread, a tile needs a load and an addition for each block besides.
  const ColumnBlocks spread = ColumnBlocks::Of(form.blocks_across * form.out_channels);
  const int64_t rows = form.blocks_down * form.in_channels;
  const int64_t additions = (form.blocks_across + 2) * VectorsOf(form.out_channels, lanes);
  if (form.blocks_across > 1 && spread.count() == 1 &&
      (rows * spread.vectors() + additions) * form.tiles_at_once <
          rows * cost(form.tiles_at_once)) {
    form.spreads_blocks = true;
    form.tiles_at_once = 1;
    form.depth = form.in_channels;
    form.columns = spread;
  }
  return form;
}

bool UsesLargeKernel(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.groups != 1) return false;
  if (shape.in_channels == 0 || shape.out_channels == 0) return false;
  for (size_t i = 0; i < 2; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    if (axis.kernel < 1 || axis.stride != 1 || axis.dilation != 1) return false;
  }
  const LargeKernelForm form = LargeKernelForm::Of(shape);
  if (form.blocks_down > kMaxDenseTaps) return false;
  if (form.PointFloats() * kLargePoints > kMostPacked) return false;
  // Pixels that are made and those that are wanted, where that is known: a small image has fewer
  // tiles than a product takes rows at a time.
  int64_t made = 1;
  int64_t wanted = 1;
  if (shape.fixed) {
    int64_t tiles = 1;
    for (size_t i = 0; i < 2; ++i) {
      tiles *= DivideUp(shape.axes[i].output, kLargeTile);
      wanted *= shape.axes[i].output;
    }
    const int64_t rows = MatrixTileRows(form.columns.Vectors(0));
    made = kLargeTile * kLargeTile * std::max(tiles, rows);
  }
  return LargeKernelCost(shape) * made * 4 < DirectCost(shape) * wanted * 3;
}

int64_t DirectCost(const ConvolutionShape& shape) {
  const int64_t lanes = ColumnBlocks::Of(1).lanes;
  const bool few = shape.out_channels <= kFewColumns && shape.in_channels >= kFewColumnsDepth;
  return 9 * shape.Taps() *
         (few ? shape.out_channels * VectorsOf(shape.in_channels, lanes)
              : shape.in_channels * VectorsOf(shape.out_channels, lanes));
}

// The transforms are about 150 operations a vector of input channels and as many a vector of
// outputs.
int64_t LargeKernelCost(const ConvolutionShape& shape) {
  const LargeKernelForm form = LargeKernelForm::Of(shape);
  const int64_t lanes = form.columns.lanes;
  const int64_t products =
      kLargePoints * form.blocks_down * form.depth * form.columns.vectors() / form.tiles_at_once +
      (form.spreads_blocks ? kLargePoints * (form.blocks_across + 2) : 0);
  return products +
         150 * (VectorsOf(shape.in_channels, lanes) + VectorsOf(shape.out_channels, lanes));
}

size_t PackedLargeKernelFloats(const ConvolutionShape& shape) {
  return static_cast<size_t>(LargeKernelForm::Of(shape).PointFloats() * kLargePoints);
}

// To [block of columns][point][block down][block across and channel][column].
void PackLargeKernel(const float* weights, const ConvolutionShape& shape, float* packed) {
  const LargeKernelForm form = LargeKernelForm::Of(shape);
  const int64_t height = shape.axes[0].kernel;
  const int64_t width = shape.axes[1].kernel;
  const int64_t rows = form.blocks_down * form.depth;
  std::memset(packed, 0, PackedLargeKernelFloats(shape) * sizeof(float));
  for (int64_t block = 0; block < form.columns.count(); ++block) {
    const int64_t first = form.columns.FirstColumn(block);
    const int64_t vector_columns = form.columns.Vectors(block) * form.columns.lanes;
    float* const to = packed + first * rows * kLargePoints;
    const auto pack = [&](int64_t column, int64_t channel, int64_t down, int64_t across) {
      const int64_t out = (first + column) % form.out_channels;
      const int64_t tile = (first + column) / form.out_channels;
      const float* const kernel = weights + (out * form.in_channels + channel) * height * width;
      const Points points = TransformBlock(kernel, height, width, down, across);
      const int64_t place = form.spreads_blocks ? 0 : tile + across;
      const int64_t row = down * form.depth + place * form.in_channels + channel;
      for (size_t point = 0; point < kLargePoints; ++point) {
        to[(static_cast<int64_t>(point) * rows + row) * vector_columns + column] =
            points[point / kLargeWindow][point % kLargeWindow];
      }
    };
    for (int64_t column = 0; column < form.columns.Columns(block); ++column) {
      for (int64_t channel = 0; channel < form.in_channels; ++channel) {
        for (int64_t down = 0; down < form.blocks_down; ++down) {
          if (form.spreads_blocks) {
            pack(column, channel, down, column / form.out_channels);
            continue;
          }
          for (int64_t across = 0; across < form.blocks_across; ++across) {
            pack(column, channel, down, across);
          }
        }
      }
    }
  }
}

struct LargeKernel::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
};

// One worker's memory.
struct LargeKernel::Worker {
  float* bias;    // one for each column
  float* down;    // a line of a strip's input, transformed down the columns: [5][pixel][channel]
  float* tiles;   // transformed input: [point][slot][tile][channel]
  float* spread;  // [tile][column] of one point, where blocks are columns
  float* sums;    // [point][tile][column]
  float* places;  // outputs by their place in the tile
  float* lines;   // three lines of outputs
};

// Tiles [first_tile, first_tile + tiles) of lines [begin, end) of one image.
struct LargeKernel::Strip {
  int64_t image;
  int64_t first_tile;
  int64_t tiles;
  int64_t begin;
  int64_t end;
};

LargeKernel::LargeKernel(const ConvolutionShape& shape)
    : shape_(shape),
      form_(LargeKernelForm::Of(shape)),
      tiles_down_(DivideUp(shape.axes[0].output, kLargeTile)),
      tiles_across_(DivideUp(shape.axes[1].output, kLargeTile)) {
  const int64_t columns = std::min(form_.out_channels, kMaxColumns);
  const int64_t bytes =
      kLargePoints * int64_t{sizeof(float)} * (form_.blocks_down * form_.in_channels + columns);
  const int64_t step = form_.tiles_at_once * MatrixTileRows(form_.columns.Vectors(0));
  const int64_t most = std::max(kStripBytes / bytes / step * step, step);
  const int64_t strips = std::max<int64_t>(DivideUp(tiles_across_, most), 1);
  strip_tiles_ = strips == 1 ? RoundUp(tiles_across_, form_.tiles_at_once)
                             : RoundUp(DivideUp(tiles_across_, strips), step);
  strips_ = strip_tiles_ == 0 ? 0 : DivideUp(tiles_across_, strip_tiles_);
  zeros_.resize(static_cast<size_t>(InputPixels() * form_.in_channels));
}

int64_t LargeKernel::InputPixels() const {
  return InputTiles() * kLargeTile + kLargeWindow - kLargeTile;
}
int64_t LargeKernel::SlotFloats() const {
  return InputTiles() * form_.in_channels + kTransformSlack;
}
int64_t LargeKernel::SumFloats() const {
  // Whole vectors of a block are written for the last tiles.
  return strip_tiles_ * std::min(form_.out_channels, kMaxColumns) + kMaxColumns + kGap;
}
int64_t LargeKernel::SpreadFloats() const {
  return form_.spreads_blocks ? InputTiles() * form_.columns.columns + kMaxColumns : 0;
}
int64_t LargeKernel::OutputFloats() const {
  return kLargeTile * strip_tiles_ * std::min(form_.out_channels, kMaxColumns) + kTransformSlack;
}

size_t LargeKernel::WorkerFloats() const {
  const int64_t floats =
      RoundUp(form_.columns.vectors() * form_.columns.lanes, kGap) +
      RoundUp(kLargeWindow * (InputPixels() * form_.in_channels + kTransformSlack), kGap) +
      RoundUp(kLargePoints * (form_.blocks_down * SlotFloats() + kGap), kGap) +
      RoundUp(SpreadFloats(), kGap) + RoundUp(kLargePoints * SumFloats(), kGap) +
      RoundUp(kLargeTile * (OutputFloats() + kLargeTile * kTransformSlack), kGap) +
      RoundUp(kLargeTile * OutputFloats(), kGap);
  return static_cast<size_t>(floats);
}

size_t LargeKernel::ScratchBytes(int threads) const {
  return WorkerFloats() * sizeof(float) * static_cast<size_t>(threads);
}

LargeKernel::Worker LargeKernel::WorkerOf(void* scratch, int worker) const {
  float* memory = static_cast<float*>(scratch) + WorkerFloats() * static_cast<size_t>(worker);
  const auto take = [&](int64_t floats) {
    float* const part = memory;
    memory += RoundUp(floats, kGap);
    return part;
  };
  Worker parts;
  parts.bias = take(form_.columns.vectors() * form_.columns.lanes);
  parts.down = take(kLargeWindow * (InputPixels() * form_.in_channels + kTransformSlack));
  parts.tiles = take(kLargePoints * (form_.blocks_down * SlotFloats() + kGap));
  parts.spread = take(SpreadFloats());
  parts.sums = take(kLargePoints * SumFloats());
  parts.places = take(kLargeTile * (OutputFloats() + kLargeTile * kTransformSlack));
  parts.lines = take(kLargeTile * OutputFloats());
  return parts;
}

// The line of input tiles that begins `line` tiles below the image's first, to its slot.
void LargeKernel::TransformLine(const Job& job, const Strip& strip, int64_t line,
                                const Worker& worker) const {
  const ConvolutionShape::Axis& vertical = shape_.axes[0];
  const ConvolutionShape::Axis& across = shape_.axes[1];
  const int64_t channels = form_.in_channels;
  const int64_t tiles = strip.tiles + form_.blocks_across - 1;
  const int64_t pixels = tiles * kLargeTile + kLargeWindow - kLargeTile;
  const int64_t left = strip.first_tile * kLargeTile - across.pad;
  const int64_t top = line * kLargeTile - vertical.pad;
  const int64_t stride = InputPixels() * channels + kTransformSlack;
  // Pixels [begin, end) lie in the image.
  const int64_t begin = std::clamp<int64_t>(-left, 0, pixels);
  const int64_t end = std::clamp<int64_t>(across.input - left, begin, pixels);
  std::array<const float*, kLargeWindow> lines;
  for (int64_t i = 0; i < kLargeWindow; ++i) {
    const bool inside = top + i >= 0 && top + i < vertical.input && begin < end;
    const int64_t pixel = (strip.image * vertical.input + top + i) * across.input + left + begin;
    lines[static_cast<size_t>(i)] = inside ? job.input + pixel * channels : zeros_.data();
  }
  for (int64_t i = 0; i < kLargeWindow; ++i) {
    float* const out = worker.down + i * stride;
    std::fill(out, out + begin * channels, 0.0f);
    std::fill(out + end * channels, out + pixels * channels, 0.0f);
  }
  TransformLargeDown(lines, (end - begin) * channels, worker.down + begin * channels, stride);
  const int64_t slot = line % form_.blocks_down;
  TransformLargeAcross(worker.down, stride, tiles, channels, worker.tiles + slot * SlotFloats(),
                       form_.blocks_down * SlotFloats() + kGap);
}

void LargeKernel::Multiply(const Job& job, const Strip& strip, int64_t line, int64_t block,
                           const Worker& worker) const {
  const int64_t first = form_.columns.FirstColumn(block);
  const int64_t rows = form_.blocks_down * form_.depth;
  const int64_t point_floats = rows * form_.columns.Vectors(block) * form_.columns.lanes;
  DenseBlock product;
  product.taps = form_.blocks_down;
  product.left_stride = form_.tiles_at_once * form_.in_channels;
  product.rows = form_.spreads_blocks ? strip.tiles + form_.blocks_across - 1
                                      : DivideUp(strip.tiles, form_.tiles_at_once);
  product.depth = form_.depth;
  product.vectors = form_.columns.Vectors(block);
  product.columns = form_.columns.Columns(block);
  product.out_stride = product.columns;
  for (int64_t point = 0; point < kLargePoints; ++point) {
    const float* const tiles = worker.tiles + point * (form_.blocks_down * SlotFloats() + kGap);
    for (int64_t down = 0; down < form_.blocks_down; ++down) {
      product.left[static_cast<size_t>(down)] =
          tiles + (line + down) % form_.blocks_down * SlotFloats();
    }
    product.right = job.packed + first * rows * kLargePoints + point * point_floats;
    product.start = point == kBiasPoint ? worker.bias + first : nullptr;
    product.next = point + 1 < kLargePoints ? product.right + point_floats : nullptr;
    float* const sums = worker.sums + point * SumFloats();
    product.out = form_.spreads_blocks ? worker.spread : sums;
    MultiplyDenseBlock(product);
    if (form_.spreads_blocks) {
      AddLargeBlocks(worker.spread, strip.tiles, form_.blocks_across, form_.out_channels, sums);
    }
  }
}

void LargeKernel::Finish(const Job& job, const Strip& strip, int64_t line, int64_t block,
                         const Worker& worker) const {
  const int64_t down = shape_.axes[0].output;
  const int64_t across = shape_.axes[1].output;
  const Epilogue& epilogue = job.epilogue;
  const int64_t first = form_.columns.FirstColumn(block);
  const int64_t columns = std::min(form_.out_channels, form_.columns.Columns(block));
  TransformLargeOutput(worker.sums, SumFloats(), strip.tiles, columns, worker.places, worker.lines,
                       OutputFloats());
  ActivationRows rows;
  rows.columns = rows.x_stride = columns;
  rows.out_stride = job.out_stride;
  rows.residual_stride = epilogue.residual_stride;
  const int64_t left = strip.first_tile * kLargeTile;
  rows.count = std::min(strip.tiles * kLargeTile, across - left);
  for (int64_t i = 0; i < std::min<int64_t>(kLargeTile, down - line * kLargeTile); ++i) {
    const int64_t pixel = (strip.image * down + line * kLargeTile + i) * across + left;
    rows.x = worker.lines + i * OutputFloats();
    rows.out = job.out + pixel * job.out_stride + first;
    rows.residual = epilogue.residual == nullptr
                        ? nullptr
                        : epilogue.residual + pixel * epilogue.residual_stride + first;
    ActivateRows(epilogue.activation, rows);
  }
}

void LargeKernel::RunStrip(const Job& job, const Strip& strip, const Worker& worker) const {
  const int64_t with_bias = form_.spreads_blocks ? form_.out_channels : form_.columns.columns;
  for (int64_t column = 0; column < form_.columns.vectors() * form_.columns.lanes; ++column) {
    const bool given = job.epilogue.bias != nullptr && column < with_bias;
    worker.bias[column] = given ? job.epilogue.bias[column % form_.out_channels] : 0.0f;
  }
  for (int64_t line = strip.begin; line < strip.begin + form_.blocks_down - 1; ++line) {
    TransformLine(job, strip, line, worker);
  }
  for (int64_t line = strip.begin; line < strip.end; ++line) {
    TransformLine(job, strip, line + form_.blocks_down - 1, worker);
    for (int64_t block = 0; block < form_.columns.count(); ++block) {
      Multiply(job, strip, line, block, worker);
      Finish(job, strip, line, block, worker);
    }
  }
}

void LargeKernel::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                      const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const Job job{input, packed, out, out_stride, epilogue};
  const int64_t columns = shape_.batch * strips_;
  if (columns * tiles_down_ == 0) return;
  // Each part of a strip begins with blocks_down - 1 lines of input that the one before it has
  // transformed too: a part has twice as many unless there would be less than one for each thread.
  const int64_t threads = parallel.threads();
  const int64_t wanted = threads == 1 ? 1 : DivideUp(kTasksPerThread * threads, columns);
  const int64_t few = std::min(DivideUp(threads, columns), tiles_down_ / form_.blocks_down);
  const int64_t parts =
      std::clamp<int64_t>(std::max(tiles_down_ / (2 * form_.blocks_down), few), 1, wanted);
  parallel.For(columns * parts, 1, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t task = begin; task < end; ++task) {
      Strip strip;
      strip.image = task / parts / strips_;
      strip.first_tile = task / parts % strips_ * strip_tiles_;
      const int64_t tiles = std::min(strip_tiles_, tiles_across_ - strip.first_tile);
      strip.tiles = RoundUp(tiles, form_.tiles_at_once);
      strip.begin = task % parts * tiles_down_ / parts;
      strip.end = (task % parts + 1) * tiles_down_ / parts;
      RunStrip(job, strip, WorkerOf(scratch, worker));
    }
  });
}

}  // namespace mullion::cpu
