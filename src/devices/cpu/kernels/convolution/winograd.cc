// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/winograd.h"

#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/winograd_column.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"
#include "devices/cpu/kernels/simd/even_blocks.h"

namespace mullion::cpu {

namespace {

// What the transformed input and sums of a block of tiles take: the greater part of the level 2
// cache that server and desktop cores have these days.
constexpr int64_t kBlockBytes = 1024 * 1024;
constexpr int64_t kMaxColumns = 64;    // of a block, on any instruction set
constexpr int64_t kMostTileRows = 12;  // likewise
// Between the numbers of neighbouring points: without it they would share a set of the cache.
constexpr int64_t kGap = 16;
constexpr int64_t kPageFloats = 1024;  // so far apart they do with it
constexpr int64_t kHeldFloats = 16;    // a cache line

}  // namespace

struct Winograd::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
  RowBlocks tiles;
};

Winograd::Winograd(const ConvolutionShape& shape)
    : form_(WinogradFormOf(shape)),
      in_channels_(shape.in_channels),
      blocks_(ColumnBlocks::Of(shape.out_channels)),
      channels_(DivideUp(shape.in_channels, blocks_.lanes) * blocks_.lanes),
      across_(shape.axes[static_cast<size_t>(shape.spatial_rank - 1)], form_.tile),
      zeros_(static_cast<size_t>(channels_)) {
  if (shape.spatial_rank == 2) down_ = TileAxis(shape.axes[0], form_.tile);
  tiles_ = shape.batch * down_.tiles * across_.tiles;
  const int64_t bytes = form_.points() * (channels_ + kMaxColumns) * int64_t{sizeof(float)};
  const int64_t rows = TilesAtOnce();
  most_tiles_ = kBlockBytes / bytes / rows * rows;
  if (MayPreferDirectToWinograd(shape) && PrefersDirectToWinograd(shape)) {
    direct_ = std::make_unique<Convolution>(shape);
  }
}

int64_t Winograd::TilesAtOnce() const {
  return form_.across_only ? kWinogradColumnTiles : MatrixTileRows(blocks_.Vectors(0));
}

// Where there are few blocks, each thread takes tiles of one stretch of the image, if it gets two
// of the matrix kernel's at least: it then writes and reads the same pixels from layer to layer.
// Lines that both threads have read are written at a tenth of the speed of a thread's own.
RowBlocks Winograd::TileBlocks(int threads) const {
  const int64_t rows = TilesAtOnce();
  const RowBlocks blocks = EvenRowBlocks(tiles_, most_tiles_, rows, blocks_.count(), threads);
  if (threads == 1 || form_.across_only || blocks.count >= 4 * threads) return blocks;
  const int64_t fewest = std::max<int64_t>(DivideUp(tiles_, std::max(most_tiles_, rows)), 1);
  const int64_t even = DivideUp(tiles_, RoundUp(fewest, threads));
  return even < 2 * rows ? blocks : RowBlocks{even, DivideUp(tiles_, even)};
}

// Floats from one of the matrices of transformed input to the next.
int64_t Winograd::InputStride(int64_t tiles) const {
  const int64_t stride = tiles * channels_ + kGap;
  return stride % kPageFloats == 0 ? stride + kGap : stride;
}

// Of as many matrices as there are points, and of what is taken for the rest of a last tile.
int64_t Winograd::InputFloats(int64_t tiles) const {
  return form_.points() * InputStride(tiles) + kMostTileRows * channels_;
}

// A worker's sums: matrices of a block of tiles and a block of columns.
int64_t Winograd::SumFloats(const RowBlocks& tiles) const {
  return form_.points() * (tiles.rows * kMaxColumns + kGap) + kMostTileRows * kMaxColumns;
}

// A worker's, in whole cache lines: which block of tiles it has the transformed input of, sums,
// that input.
int64_t Winograd::WorkerFloats(const RowBlocks& tiles) const {
  return RoundUp(kHeldFloats + SumFloats(tiles) + InputFloats(tiles.rows), kHeldFloats);
}

size_t Winograd::ScratchBytes(int threads) const {
  if (direct_ != nullptr) return direct_->ScratchBytes(threads);
  return static_cast<size_t>(threads * WorkerFloats(TileBlocks(threads))) * sizeof(float);
}

void Winograd::TransformInput(const Job& job, int64_t begin, int64_t end, float* rows,
                              int64_t point_stride) const {
  WinogradInput tile;
  tile.form = form_;
  tile.channels = in_channels_;
  tile.point_stride = point_stride;
  tile.ahead = across_.dilation == 1 ? across_.tile * across_.stride * in_channels_ : 0;
  tile.out = rows;
  const int64_t step = across_.dilation * in_channels_;
  for (int64_t t = begin; t < end; ++t, tile.out += channels_) {
    const int64_t image = t / across_.tiles / down_.tiles;
    const int64_t top = down_.FirstInput(down_.FirstOutput(t / across_.tiles % down_.tiles));
    const int64_t left = across_.FirstInput(across_.FirstOutput(t % across_.tiles));
    const auto [begin_x, end_x] = across_.InputsInside(left);
    const float** pixel = tile.pixels.data();
    for (int64_t i = 0; i < down_.window; ++i, pixel += across_.window) {
      const int64_t y = top + i * down_.dilation;
      const bool on_line = y >= 0 && y < down_.input;
      const int64_t begin_line = on_line ? begin_x : 0;
      const int64_t end_line = on_line ? end_x : 0;
      const float* from = zeros_.data();
      if (begin_line < end_line) {
        const int64_t line = (image * down_.input + y) * across_.input;
        from = job.input + ((line + left) * in_channels_ + begin_line * step);
      }
      std::fill(pixel, pixel + begin_line, zeros_.data());
      for (int64_t j = begin_line; j < end_line; ++j, from += step) pixel[j] = from;
      std::fill(pixel + end_line, pixel + across_.window, zeros_.data());
    }
    TransformWinogradInput(tile);
  }
}

void Winograd::MultiplyColumns(const Job& job, int64_t tile_block, int64_t column_block,
                               const float* rows, int64_t point_stride, float* sums) const {
  const int64_t width = blocks_.Vectors(column_block) * blocks_.lanes;
  const int64_t part = kWinogradColumnVectors * blocks_.lanes;
  const int64_t out_step = job.tiles.rows * width + kGap;
  const int64_t window = form_.window();
  WinogradColumn column;
  column.tiles = std::min(job.tiles.rows, tiles_ - tile_block * job.tiles.rows);
  column.depth = in_channels_;
  column.row_stride = channels_;
  column.row_step = window * point_stride;
  column.sum_stride = width;
  column.sum_step = window * out_step;
  column.weights =
      job.packed + blocks_.FirstColumn(column_block) * in_channels_ * form_.weight_points();
  for (int64_t point = 0; point < window; ++point) {
    column.rows = rows + point * point_stride;
    for (int64_t first = 0; first < width; first += part) {
      column.sums = sums + point * out_step + first;
      MultiplyWinogradColumn(column);
      column.weights += in_channels_ * form_.kernel * part;
    }
  }
}

void Winograd::Multiply(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                        int64_t point_stride, float* sums) const {
  if (form_.across_only) {
    MultiplyColumns(job, tile_block, column_block, rows, point_stride, sums);
    return Finish(job, tile_block, column_block, sums);
  }
  const int64_t width = blocks_.Vectors(column_block) * blocks_.lanes;
  const int64_t depth = in_channels_;
  DenseBlock product;
  product.rows = std::min(job.tiles.rows, tiles_ - tile_block * job.tiles.rows);
  product.left_stride = channels_;
  product.depth = depth;
  product.vectors = blocks_.Vectors(column_block);
  product.columns = blocks_.Columns(column_block);
  product.out_stride = width;
  // The next point's lie there, which is made later, or spare ones.
  product.has_spare_rows = true;
  product.left_step = point_stride;
  product.right_step = depth * width;
  product.out_step = job.tiles.rows * width + kGap;
  const float* const right =
      job.packed + blocks_.FirstColumn(column_block) * depth * form_.weight_points();
  // Strided points share weights, so their products are made one by one.
  product.count = form_.strided ? 1 : form_.points();
  for (int64_t point = 0; point < form_.points(); point += product.count) {
    product.left[0] = rows + point * product.left_step;
    product.right = right + form_.WeightOf(point) * product.right_step;
    product.out = sums + point * product.out_step;
    if (point + product.count < form_.points()) {
      product.next = right + form_.WeightOf(point + product.count) * product.right_step;
    } else {
      // The next block of columns lies behind this one.
      product.next = column_block + 1 < blocks_.count()
                         ? right + form_.weight_points() * product.right_step
                         : nullptr;
    }
    MultiplyDenseBlock(product);
  }
  Finish(job, tile_block, column_block, sums);
}

void Winograd::Finish(const Job& job, int64_t tile_block, int64_t column_block,
                      const float* sums) const {
  const Epilogue& epilogue = job.epilogue;
  const int64_t first_column = blocks_.FirstColumn(column_block);
  const int64_t width = blocks_.Vectors(column_block) * blocks_.lanes;
  // Outputs of a tile that follow each other, in pixels, down and across.
  const int64_t down = down_.dilation * across_.output;
  const int64_t across = across_.dilation;
  // A line's outputs are rows of one pixel.
  const bool lies = form_.line && across_.tile > 1;
  WinogradOutput tile;
  tile.form = form_;
  tile.sums = sums;
  tile.point_stride = job.tiles.rows * width + kGap;
  tile.columns = blocks_.Columns(column_block);
  tile.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + first_column;
  tile.activation = &epilogue.activation;
  tile.pixel_stride = job.out_stride * across;
  tile.line_stride = job.out_stride * (lies ? across : down);
  tile.residual_pixel_stride = epilogue.residual_stride * across;
  tile.residual_line_stride = epilogue.residual_stride * (lies ? across : down);
  const int64_t begin = tile_block * job.tiles.rows;
  const int64_t end = std::min(begin + job.tiles.rows, tiles_);
  for (int64_t t = begin; t < end; ++t, tile.sums += width) {
    const int64_t image = t / across_.tiles / down_.tiles;
    const int64_t top = down_.FirstOutput(t / across_.tiles % down_.tiles);
    const int64_t left = across_.FirstOutput(t % across_.tiles);
    const int64_t pixel = (image * down_.output + top) * across_.output + left;
    tile.out = job.out + pixel * job.out_stride + first_column;
    tile.residual = epilogue.residual == nullptr
                        ? nullptr
                        : epilogue.residual + pixel * epilogue.residual_stride + first_column;
    const int rows = down_.Outputs(top);
    const int pixels = across_.Outputs(left);
    tile.rows = form_.line ? rows * pixels : rows;
    tile.pixels = form_.line ? 1 : pixels;
    TransformWinogradOutput(tile);
  }
}

void Winograd::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                   const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  if (direct_ != nullptr) {
    const int64_t transformed = blocks_.PackedFloats(in_channels_ * form_.weight_points());
    direct_->Run(input, packed + transformed, out, out_stride, epilogue, scratch, parallel);
    return;
  }
  const int threads = parallel.threads();
  const Job job{input, packed, out, out_stride, epilogue, TileBlocks(threads)};
  const int64_t block_tiles = job.tiles.rows;
  const int64_t stride = InputStride(block_tiles);
  const int64_t column_blocks = blocks_.count();
  auto* const workers = static_cast<float*>(scratch);
  const auto held_block = [&](int worker) {
    return reinterpret_cast<int64_t*>(workers + worker * WorkerFloats(job.tiles));
  };
  for (int i = 0; i < threads; ++i) *held_block(i) = -1;
  // With few blocks of tiles threads take blocks of columns. Each transforms the input of every
  // block of tiles that it has a part of: to read what another has just written takes longer.
  const bool by_columns = threads > 1 && job.tiles.count < 4 * threads;
  parallel.For(job.tiles.count * column_blocks, by_columns ? 1 : column_blocks,
               [&](int64_t task, int64_t end, int worker) {
                 int64_t* const held = held_block(worker);
                 float* const sums = reinterpret_cast<float*>(held) + kHeldFloats;
                 float* const rows = sums + SumFloats(job.tiles);
                 for (; task < end; ++task) {
                   const int64_t block = task / column_blocks;
                   if (*held != block) {
                     const int64_t begin = block * block_tiles;
                     TransformInput(job, begin, std::min(begin + block_tiles, tiles_), rows,
                                    stride);
                     *held = block;
                   }
                   Multiply(job, block, task % column_blocks, rows, stride, sums);
                 }
               });
}

}  // namespace mullion::cpu
