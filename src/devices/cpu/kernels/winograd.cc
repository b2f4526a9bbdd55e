// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "devices/cpu/kernels/even_blocks.h"
#include "devices/cpu/kernels/matrix_blocks.h"

namespace mullion::cpu {

namespace {

// Fewer channels leave the transforms more to do than the products.
constexpr int64_t kFewestChannels = 16;
// Weights for more channels take more memory as 36 numbers, and time to read it, than they save:
// those of 256 to 256 channels are 9 MiB. As 16 numbers, 512 to 512 channels are 16 MiB.
constexpr int64_t kMostLargeTiles = 256 * 256;
constexpr int64_t kMostProducts = 512 * 512;
// What the transformed input and sums of a block of tiles take: the greater part of the level 2
// cache that server and desktop cores have these days.
constexpr int64_t kBlockBytes = 1024 * 1024;
constexpr int64_t kMaxColumns = 64;  // of a block, on any instruction set
// Between the numbers of neighbouring points: without it they would share a set of the cache.
constexpr int64_t kGap = 16;

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

WinogradForm FormOf(int64_t in_channels, int64_t out_channels) {
  return {in_channels * out_channels <= kMostLargeTiles ? 4 : 2};
}

// G of the points 0, 1, -1, 2, -2 and infinity, for `kLanes` columns of weights at once.
constexpr int kLanes = 16;
using Lanes = std::array<float, kLanes>;

void ToPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 6>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    const float outer = (a[l] + c[l]) * (1.0f / 6);
    const float inner = b[l] * (1.0f / 6);
    const float far_outer = a[l] * (1.0f / 24) + c[l] * (1.0f / 6);
    const float far_inner = b[l] * (1.0f / 12);
    out[0][l] = a[l] * 0.25f;
    out[1][l] = -outer - inner;
    out[2][l] = inner - outer;
    out[3][l] = far_outer + far_inner;
    out[4][l] = far_outer - far_inner;
    out[5][l] = c[l];
  }
}

// Of the points 0, 1, -1 and infinity.
void ToPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 4>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    const float outer = (a[l] + c[l]) * 0.5f;
    const float inner = b[l] * 0.5f;
    out[0][l] = a[l];
    out[1][l] = outer + inner;
    out[2][l] = outer - inner;
    out[3][l] = c[l];
  }
}

// The kernels of `count` columns, `stride` floats apart, to [point][lane] at distances of `step`.
template <size_t kWindow>
void TransformWeights(const float* weights, int64_t stride, int64_t count, float* out,
                      int64_t step) {
  std::array<std::array<Lanes, 3>, 3> g{};
  for (size_t l = 0; l < static_cast<size_t>(count); ++l) {
    const float* const kernel = weights + static_cast<int64_t>(l) * stride;
    for (size_t i = 0; i < 9; ++i) g[i / 3][i % 3][l] = kernel[i];
  }
  std::array<std::array<Lanes, kWindow>, 3> lines;
  for (size_t i = 0; i < 3; ++i) ToPoints(g[i][0], g[i][1], g[i][2], lines[i]);
  for (size_t j = 0; j < kWindow; ++j) {
    std::array<Lanes, kWindow> points;
    ToPoints(lines[0][j], lines[1][j], lines[2][j], points);
    for (size_t i = 0; i < kWindow; ++i) {
      std::memcpy(out + static_cast<int64_t>(i * kWindow + j) * step, points[i].data(),
                  static_cast<size_t>(count) * sizeof(float));
    }
  }
}

}  // namespace

bool UsesWinograd(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.groups != 1) return false;
  for (size_t i = 0; i < 2; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    if (axis.kernel != 3 || axis.stride != 1 || axis.dilation != 1) return false;
  }
  return shape.in_channels >= kFewestChannels && shape.out_channels >= kFewestChannels &&
         shape.in_channels * shape.out_channels <= kMostProducts;
}

size_t PackedWinogradFloats(int64_t out_channels, int64_t in_channels) {
  return static_cast<size_t>(
      ColumnBlocks::Of(out_channels)
          .PackedFloats(in_channels * FormOf(in_channels, out_channels).points()));
}

void PackWinograd(const float* weights, int64_t out_channels, int64_t in_channels, float* packed) {
  const ColumnBlocks blocks = ColumnBlocks::Of(out_channels);
  const WinogradForm form = FormOf(in_channels, out_channels);
  const auto transform = form.tile == 4 ? &TransformWeights<6> : &TransformWeights<4>;
  std::memset(packed, 0, PackedWinogradFloats(out_channels, in_channels) * sizeof(float));
  for (int64_t block = 0; block < blocks.count(); ++block) {
    const int64_t first = blocks.FirstColumn(block);
    const int64_t width = blocks.Vectors(block) * blocks.lanes;
    float* const to = packed + first * in_channels * form.points();
    for (int64_t channel = 0; channel < in_channels; ++channel) {
      for (int64_t column = 0; column < blocks.Columns(block); column += kLanes) {
        transform(weights + ((first + column) * in_channels + channel) * 9, in_channels * 9,
                  std::min<int64_t>(kLanes, blocks.Columns(block) - column),
                  to + channel * width + column, in_channels * width);
      }
    }
  }
}

struct Winograd::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
  RowBlocks tiles;
};

Winograd::Winograd(const ConvolutionShape& shape)
    : shape_(shape),
      form_(FormOf(shape.in_channels, shape.out_channels)),
      blocks_(ColumnBlocks::Of(shape.out_channels)),
      channels_(DivideUp(shape.in_channels, blocks_.lanes) * blocks_.lanes),
      tiles_down_(DivideUp(shape.axes[0].output, form_.tile)),
      tiles_across_(DivideUp(shape.axes[1].output, form_.tile)),
      zeros_(static_cast<size_t>(channels_)) {
  tiles_ = shape.batch * tiles_down_ * tiles_across_;
  const int64_t bytes = form_.points() * (channels_ + kMaxColumns) * int64_t{sizeof(float)};
  const int64_t rows = MatrixTileRows(blocks_.Vectors(0));
  most_tiles_ = kBlockBytes / bytes / rows * rows;
}

RowBlocks Winograd::TileBlocks(int threads) const {
  return EvenRowBlocks(tiles_, most_tiles_, MatrixTileRows(blocks_.Vectors(0)), blocks_.count(),
                       threads);
}

// With few blocks of tiles, threads share the transformed input and take blocks of columns.
bool Winograd::SharesInput(const RowBlocks& tiles, int threads) {
  return threads > 1 && tiles.count < 4 * threads;
}

// Floats from one of the matrices of transformed input to the next.
int64_t Winograd::InputStride(int64_t tiles) const { return tiles * channels_ + kGap; }

// A worker's sums: matrices of a block of tiles and a block of columns.
int64_t Winograd::SumFloats(const RowBlocks& tiles) const {
  return form_.points() * (tiles.rows * kMaxColumns + kGap);
}

size_t Winograd::ScratchBytes(int threads) const {
  const RowBlocks tiles = TileBlocks(threads);
  const int64_t inputs =
      SharesInput(tiles, threads) ? InputStride(tiles_) : threads * InputStride(tiles.rows);
  return static_cast<size_t>(form_.points() * inputs + threads * SumFloats(tiles)) * sizeof(float);
}

void Winograd::TransformInput(const Job& job, int64_t begin, int64_t end, float* rows,
                              int64_t point_stride) const {
  const ConvolutionShape::Axis& vertical = shape_.axes[0];
  const ConvolutionShape::Axis& across = shape_.axes[1];
  WinogradInput tile;
  tile.form = form_;
  tile.channels = shape_.in_channels;
  tile.point_stride = point_stride;
  tile.out = rows;
  for (int64_t t = begin; t < end; ++t, tile.out += channels_) {
    const int64_t image = t / tiles_across_ / tiles_down_;
    const int64_t top = t / tiles_across_ % tiles_down_ * form_.tile - vertical.pad;
    const int64_t left = t % tiles_across_ * form_.tile - across.pad;
    for (int64_t i = 0; i < form_.window(); ++i) {
      const bool on_line = top + i >= 0 && top + i < vertical.input;
      const int64_t line = (image * vertical.input + top + i) * across.input;
      for (int64_t j = 0; j < form_.window(); ++j) {
        const bool inside = on_line && left + j >= 0 && left + j < across.input;
        tile.pixels[static_cast<size_t>(i * form_.window() + j)] =
            inside ? job.input + (line + left + j) * shape_.in_channels : zeros_.data();
      }
    }
    TransformWinogradInput(tile);
  }
}

void Winograd::Multiply(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                        int64_t point_stride, float* sums) const {
  const int64_t width = blocks_.Vectors(column_block) * blocks_.lanes;
  const int64_t depth = shape_.in_channels;
  DenseBlock product;
  product.rows = std::min(job.tiles.rows, tiles_ - tile_block * job.tiles.rows);
  product.left_stride = channels_;
  product.depth = depth;
  product.vectors = blocks_.Vectors(column_block);
  product.out_stride = width;
  const float* const right =
      job.packed + blocks_.FirstColumn(column_block) * depth * form_.points();
  for (int64_t point = 0; point < form_.points(); ++point) {
    product.left[0] = rows + point * point_stride;
    product.right = right + point * depth * width;
    product.out = sums + point * (job.tiles.rows * width + kGap);
    // The next block of columns lies behind this one.
    product.next = point + 1 < form_.points() || column_block + 1 < blocks_.count()
                       ? product.right + depth * width
                       : nullptr;
    MultiplyDenseBlock(product);
  }
  Finish(job, tile_block, column_block, sums);
}

void Winograd::Finish(const Job& job, int64_t tile_block, int64_t column_block,
                      const float* sums) const {
  const Epilogue& epilogue = job.epilogue;
  const int64_t first_column = blocks_.FirstColumn(column_block);
  const int64_t width = blocks_.Vectors(column_block) * blocks_.lanes;
  const int64_t down = shape_.axes[0].output;
  const int64_t across = shape_.axes[1].output;
  WinogradOutput tile;
  tile.form = form_;
  tile.sums = sums;
  tile.point_stride = job.tiles.rows * width + kGap;
  tile.columns = blocks_.Columns(column_block);
  tile.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + first_column;
  tile.activation = &epilogue.activation;
  tile.pixel_stride = job.out_stride;
  tile.line_stride = job.out_stride * across;
  tile.residual_pixel_stride = epilogue.residual_stride;
  tile.residual_line_stride = epilogue.residual_stride * across;
  const int64_t begin = tile_block * job.tiles.rows;
  const int64_t end = std::min(begin + job.tiles.rows, tiles_);
  for (int64_t t = begin; t < end; ++t, tile.sums += width) {
    const int64_t image = t / tiles_across_ / tiles_down_;
    const int64_t top = t / tiles_across_ % tiles_down_ * form_.tile;
    const int64_t left = t % tiles_across_ * form_.tile;
    const int64_t pixel = (image * down + top) * across + left;
    tile.out = job.out + pixel * job.out_stride + first_column;
    tile.residual = epilogue.residual == nullptr
                        ? nullptr
                        : epilogue.residual + pixel * epilogue.residual_stride + first_column;
    tile.rows = static_cast<int>(std::min<int64_t>(form_.tile, down - top));
    tile.pixels = static_cast<int>(std::min<int64_t>(form_.tile, across - left));
    TransformWinogradOutput(tile);
  }
}

void Winograd::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                   const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const int threads = parallel.threads();
  const Job job{input, packed, out, out_stride, epilogue, TileBlocks(threads)};
  const int64_t block_tiles = job.tiles.rows;
  const int64_t sum_floats = SumFloats(job.tiles);
  auto* const sums = static_cast<float*>(scratch);
  float* const inputs = sums + threads * sum_floats;
  if (SharesInput(job.tiles, threads)) {
    const int64_t stride = InputStride(tiles_);
    constexpr int64_t kTilesAtOnce = 4;
    parallel.For(tiles_, kTilesAtOnce, [&](int64_t begin, int64_t end, int) {
      TransformInput(job, begin, end, inputs + begin * channels_, stride);
    });
    parallel.For(job.tiles.count * blocks_.count(), 1, [&](int64_t task, int64_t end, int worker) {
      for (; task < end; ++task) {
        const int64_t block = task / blocks_.count();
        Multiply(job, block, task % blocks_.count(), inputs + block * block_tiles * channels_,
                 stride, sums + worker * sum_floats);
      }
    });
    return;
  }
  const int64_t stride = InputStride(block_tiles);
  parallel.For(job.tiles.count, 1, [&](int64_t block, int64_t end, int worker) {
    float* const rows = inputs + worker * form_.points() * stride;
    for (; block < end; ++block) {
      const int64_t begin = block * block_tiles;
      TransformInput(job, begin, std::min(begin + block_tiles, tiles_), rows, stride);
      for (int64_t column_block = 0; column_block < blocks_.count(); ++column_block) {
        Multiply(job, block, column_block, rows, stride, sums + worker * sum_floats);
      }
    }
  });
}

}  // namespace mullion::cpu
