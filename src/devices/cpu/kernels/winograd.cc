// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "devices/cpu/kernels/even_blocks.h"
#include "devices/cpu/kernels/few_columns.h"
#include "devices/cpu/kernels/matrix_blocks.h"
#include "devices/cpu/kernels/transpose_tile.h"

namespace mullion::cpu {

namespace {

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

TileAxis::TileAxis(const ConvolutionShape::Axis& axis, int64_t tile_outputs)
    : input(axis.input),
      output(axis.output),
      pad(axis.pad),
      stride(axis.stride),
      dilation(axis.kernel == 1 ? 1 : axis.dilation),
      tile(axis.kernel == 1 ? 1 : tile_outputs),
      window((tile - 1) * axis.stride + axis.kernel),
      tiles(dilation * DivideUp(output, dilation * tile)) {}

namespace {

// Fewer channels leave the transforms more to do than the products: of kernels of 3x3 and more, and
// of those of a line, whose products are fewer by less.
constexpr int64_t kFewestChannels = 8;
constexpr int64_t kFewestLineChannels = 16;
// From 8 to 8 channels on, or from 16 to 5: narrower ones have the pixel columns and sums along the
// depth.
constexpr int64_t kFewestProducts = 64;
// The 81 products of a strided tile are fewer by less, and as short.
constexpr int64_t kFewestStridedChannels = 32;
// Weights for more channels take more memory as 36 numbers, and time to read it, than they save:
// those of 256 to 256 channels are 9 MiB. As 16 numbers, 512 to 512 channels are 16 MiB.
// Those of 128 to 128 are 4 MiB as 64 numbers.
constexpr int64_t kMostLargestTiles = 128 * 128;
constexpr int64_t kMostLargeTiles = 256 * 256;
constexpr int64_t kMostProducts = 512 * 512;
// With stride 2, weights of four times the size save less: at 256 to 256 channels they come from
// memory, which took back the fifth that was saved with Zen 4, and doubled the time of such a layer
// with Emerald Rapids.
constexpr int64_t kMostStridedProducts = 128 * 256;
// What the transformed input and sums of a block of tiles take: the greater part of the level 2
// cache that server and desktop cores have these days.
constexpr int64_t kBlockBytes = 1024 * 1024;
constexpr int64_t kMaxColumns = 64;    // of a block, on any instruction set
constexpr int64_t kMostTileRows = 12;  // likewise
// Between the numbers of neighbouring points: without it they would share a set of the cache.
constexpr int64_t kGap = 16;

// The axis that a kernel of one line lies along, or -1.
int LineAxisOf(const ConvolutionShape& shape) {
  int line = -1;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    if (shape.axes[static_cast<size_t>(i)].kernel == 1) continue;
    if (line >= 0) return -1;
    line = i;
  }
  return line;
}

bool IsStrided(const ConvolutionShape& shape) { return shape.axes[0].stride == 2; }

// Numbers along an axis that weights are transformed to: inputs in odd places share the last.
constexpr int64_t kStridedWeights = 6;

int64_t WeightPoints(const WinogradForm& form) {
  return form.strided ? kStridedWeights * kStridedWeights : form.points();
}

// The one that a point of the input is multiplied with.
int64_t WeightOf(const WinogradForm& form, int64_t point) {
  if (!form.strided) return point;
  const int64_t down = std::min(point / form.window(), kStridedWeights - 1);
  return down * kStridedWeights + std::min(point % form.window(), kStridedWeights - 1);
}

// Products of one channel by one channel that an image takes, fewer rows of a product than those of
// a tile counting like a tile.
int64_t ProductsOf(const ConvolutionShape& shape, const WinogradForm& form) {
  int64_t tiles = 1;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    tiles *= TileAxis(shape.axes[static_cast<size_t>(i)], form.tile).tiles;
  }
  const int64_t least = MatrixTileRows(ColumnBlocks::Of(shape.out_channels).Vectors(0));
  return form.points() * std::max(tiles, least);
}

WinogradForm FormOf(const ConvolutionShape& shape) {
  const int axis = LineAxisOf(shape);
  if (axis >= 0) {
    const auto line_kernel = static_cast<int>(shape.axes[static_cast<size_t>(axis)].kernel);
    return {kWinogradLinePoints + 1 - line_kernel, true};
  }
  if (IsStrided(shape)) return {4, false, true};
  const auto kernel = static_cast<int>(shape.axes[0].kernel);
  if (kernel > 3) return {kWinogradLinePoints + 1 - kernel, false, false, kernel};
  const int64_t weights = shape.in_channels * shape.out_channels;
  if (weights > kMostLargeTiles) return {2, false};
  if (!shape.fixed || weights > kMostLargestTiles) return {4, false};
  // A tenth less is worth the larger weights.
  return {ProductsOf(shape, {6, false}) * 10 <= ProductsOf(shape, {4, false}) * 9 ? 6 : 4, false};
}

// Multiply-adds of vectors for a tile of a kernel larger than 3x3, against those of the direct
// form. The transforms are about 640 operations a vector of input channels, loads and stores
// included, and 420 a vector of outputs. Of 7 weights two outputs are left along an axis, and
// Fourier transforms or blocks of the kernel are quicker.
bool GainsFromEightPoints(const ConvolutionShape& shape) {
  const int64_t kernel = shape.axes[0].kernel;
  if (kernel < 4 || kernel > 6 || shape.axes[0].stride != 1) return false;
  if (shape.in_channels * shape.out_channels > kMostLargestTiles) return false;
  const ColumnBlocks columns = ColumnBlocks::Of(shape.out_channels);
  const int64_t tile = kWinogradLinePoints + 1 - kernel;
  const int64_t products = shape.in_channels * columns.vectors();
  const int64_t transforms =
      640 * DivideUp(shape.in_channels, columns.lanes) + 420 * columns.vectors();
  return (kWinogradLinePoints * kWinogradLinePoints * products + transforms) * 4 <
         kernel * kernel * tile * tile * products * 3;
}

// Whether an image's size leaves most of its tiles empty: dilated pixels make as many tiles at
// least as the dilation says, and a line may be a frame or two of a stream. Compares what products
// take, and a quarter of that for the transforms.
bool PrefersDirect(const ConvolutionShape& shape) {
  const int64_t least = MatrixTileRows(ColumnBlocks::Of(shape.out_channels).Vectors(0));
  int64_t outputs = 1;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    outputs *= shape.axes[static_cast<size_t>(i)].output;
  }
  return ProductsOf(shape, FormOf(shape)) * 5 > shape.Taps() * std::max(outputs, least) * 4;
}

// Whether there are such sizes.
bool MayPreferDirect(const ConvolutionShape& shape) {
  if (shape.fixed) return false;
  if (LineAxisOf(shape) >= 0 || IsStrided(shape)) return true;
  return shape.axes[0].dilation > 1 || shape.axes[1].dilation > 1;
}

// G of the points 0, 1, -1, 2, -2 and infinity, for `kLanes` columns of weights at once.
constexpr int kLanes = 16;
using Lanes = std::array<float, kLanes>;
constexpr size_t kMostTaps = 36;  // of a kernel of 6x6

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

// Of the points 0, 1, -1, 2 and infinity for the first and last weight, and the one in the middle.
void ToStridedPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 6>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    out[0][l] = a[l] * 0.5f;
    out[1][l] = (a[l] + c[l]) * -0.5f;
    out[2][l] = (c[l] - a[l]) * (1.0f / 6);
    out[3][l] = (a[l] + 2 * c[l]) * (1.0f / 6);
    out[4][l] = c[l];
    out[5][l] = b[l];
  }
}

// Of the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity for `kernel` weights, 3 to 7: powers of the
// point, over the product of its distances to the others (see ToPoints in winograd_transform.cc).
void ToPoints(const Lanes* weights, size_t kernel, std::array<Lanes, kWinogradLinePoints>& out) {
  constexpr std::array<float, kWinogradLinePoints - 1> kPoints = {0, 1, -1, 2, -2, 0.5f, -0.5f};
  constexpr std::array<float, kWinogradLinePoints - 1> kFactors = {
      1, -2.0f / 9, -2.0f / 9, 1.0f / 90, 1.0f / 90, 32.0f / 45, 32.0f / 45};
  for (size_t point = 0; point < kPoints.size(); ++point) {
    Lanes sum = weights[kernel - 1];
    for (size_t i = kernel - 1; i-- > 0;) {
      for (size_t l = 0; l < kLanes; ++l) sum[l] = sum[l] * kPoints[point] + weights[i][l];
    }
    for (size_t l = 0; l < kLanes; ++l) out[point][l] = sum[l] * kFactors[point];
  }
  out.back() = weights[kernel - 1];
}

// The same of kernels of `height` x `width` weights; of those of one line along that line.
void TransformEightPoints(const Lanes* weights, size_t height, size_t width, size_t bytes,
                          float* out, int64_t step) {
  constexpr size_t kMost = 7;
  std::array<std::array<Lanes, kMost>, kWinogradLinePoints> columns{};
  std::array<Lanes, kWinogradLinePoints> points;
  for (size_t i = 0; i < height; ++i) {
    ToPoints(weights + i * width, width, points);
    for (size_t j = 0; j < points.size(); ++j) columns[j][i] = points[j];
  }
  for (size_t j = 0; j < columns.size(); ++j) {
    if (height > 1) {
      ToPoints(columns[j].data(), height, points);
    } else {
      points[0] = columns[j][0];
    }
    const size_t lines = height > 1 ? points.size() : 1;
    for (size_t i = 0; i < lines; ++i) {
      std::memcpy(out + static_cast<int64_t>(i * columns.size() + j) * step, points[i].data(),
                  bytes);
    }
  }
}

// Kernels of 3x3 weights to [point][lane] at distances of `step`, `bytes` of each point.
template <size_t kWindow>
using PointsOf = void (*)(const Lanes& a, const Lanes& b, const Lanes& c,
                          std::array<Lanes, kWindow>& out);

template <size_t kWindow, PointsOf<kWindow> kPointsOf = &ToPoints>
void TransformWeights(const Lanes* g, size_t bytes, float* out, int64_t step) {
  std::array<std::array<Lanes, kWindow>, 3> lines;
  for (size_t i = 0; i < 3; ++i) kPointsOf(g[3 * i], g[3 * i + 1], g[3 * i + 2], lines[i]);
  for (size_t j = 0; j < kWindow; ++j) {
    std::array<Lanes, kWindow> points;
    kPointsOf(lines[0][j], lines[1][j], lines[2][j], points);
    for (size_t i = 0; i < kWindow; ++i) {
      float* const to = out + static_cast<int64_t>(i * kWindow + j) * step;
      if (bytes == sizeof(Lanes)) {  // without a call
        std::memcpy(to, points[i].data(), sizeof(Lanes));
      } else {
        std::memcpy(to, points[i].data(), bytes);
      }
    }
  }
}

bool HasEnoughChannels(const ConvolutionShape& shape) {
  const int64_t fewer = std::min(shape.in_channels, shape.out_channels);
  if (IsStrided(shape)) return fewer >= kFewestStridedChannels;
  if (LineAxisOf(shape) >= 0) return fewer >= kFewestLineChannels;
  return shape.in_channels >= kFewestChannels && shape.out_channels > kFewColumns &&
         shape.in_channels * shape.out_channels >= kFewestProducts;
}

}  // namespace

bool UsesWinograd(const ConvolutionShape& shape) {
  if (shape.spatial_rank < 1 || shape.spatial_rank > 2 || shape.groups != 1) return false;
  const int line = LineAxisOf(shape);
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    if (axis.stride != shape.axes[0].stride || axis.stride > 2) return false;
    if (axis.stride == 2 && (line >= 0 || axis.dilation != 1)) return false;
  }
  if (line >= 0) {
    const int64_t kernel = shape.axes[static_cast<size_t>(line)].kernel;
    if (kernel < 3 || kernel > 7) return false;
  } else if (shape.spatial_rank != 2 || shape.axes[0].kernel != shape.axes[1].kernel) {
    return false;
  } else if (shape.axes[0].kernel != 3) {
    return shape.in_channels >= kFewestChannels && shape.out_channels >= kFewestChannels &&
           GainsFromEightPoints(shape) && !(shape.fixed && PrefersDirect(shape));
  }
  return HasEnoughChannels(shape) &&
         shape.in_channels * shape.out_channels <=
             (IsStrided(shape) ? kMostStridedProducts : kMostProducts) &&
         !(shape.fixed && PrefersDirect(shape));
}

namespace {

size_t TransformedFloats(const ConvolutionShape& shape) {
  return static_cast<size_t>(ColumnBlocks::Of(shape.out_channels)
                                 .PackedFloats(shape.in_channels * WeightPoints(FormOf(shape))));
}

}  // namespace

size_t PackedWinogradFloats(const ConvolutionShape& shape) {
  const size_t direct =
      MayPreferDirect(shape)
          ? PackedConvolutionFloats(shape.out_channels, 1, shape.in_channels, shape.Taps())
          : 0;
  return TransformedFloats(shape) + direct;
}

void PackWinograd(const RightSource& weights, const ConvolutionShape& shape, float* packed) {
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels);
  const WinogradForm form = FormOf(shape);
  const int64_t depth = shape.in_channels;
  const int64_t taps = shape.Taps();
  const int64_t points = WeightPoints(form);
  const auto transform = form.strided     ? &TransformWeights<6, &ToStridedPoints>
                         : form.tile == 4 ? &TransformWeights<6>
                                          : &TransformWeights<4>;
  const size_t floats = TransformedFloats(shape);
  std::array<Lanes, kMostTaps> kernels{};
  for (int64_t block = 0; block < blocks.count(); ++block) {
    const int64_t first = blocks.FirstColumn(block);
    const int64_t width = blocks.Vectors(block) * blocks.lanes;
    if (blocks.Columns(block) < width) {
      std::memset(packed + first * depth * points, 0,
                  static_cast<size_t>(width * depth * points) * sizeof(float));
    }
    for (int64_t column = 0; column < blocks.Columns(block); column += kLanes) {
      const int64_t count = std::min<int64_t>(kLanes, blocks.Columns(block) - column);
      const size_t bytes = static_cast<size_t>(count) * sizeof(float);
      const float* const from = weights.Columns(first + column, count);
      for (int64_t channel = 0; channel < depth; ++channel) {
        TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(from + channel * taps),
                      depth * taps * ptrdiff_t{sizeof(float)},
                      reinterpret_cast<uint8_t*>(kernels.data()), sizeof(Lanes),
                      static_cast<size_t>(count), static_cast<size_t>(taps));
        float* const to = packed + first * depth * points + channel * width + column;
        if (form.window() == kWinogradLinePoints) {
          const auto height = static_cast<size_t>(form.line ? 1 : form.kernel);
          TransformEightPoints(kernels.data(), height, static_cast<size_t>(taps) / height, bytes,
                               to, depth * width);
        } else {
          transform(kernels.data(), bytes, to, depth * width);
        }
      }
    }
  }
  if (MayPreferDirect(shape)) {
    PackConvolution(weights, shape.out_channels, 1, packed + floats);
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
    : form_(FormOf(shape)),
      in_channels_(shape.in_channels),
      blocks_(ColumnBlocks::Of(shape.out_channels)),
      channels_(DivideUp(shape.in_channels, blocks_.lanes) * blocks_.lanes),
      across_(shape.axes[static_cast<size_t>(shape.spatial_rank - 1)], form_.tile),
      zeros_(static_cast<size_t>(channels_)) {
  if (shape.spatial_rank == 2) down_ = TileAxis(shape.axes[0], form_.tile);
  tiles_ = shape.batch * down_.tiles * across_.tiles;
  const int64_t bytes = form_.points() * (channels_ + kMaxColumns) * int64_t{sizeof(float)};
  const int64_t rows = MatrixTileRows(blocks_.Vectors(0));
  most_tiles_ = kBlockBytes / bytes / rows * rows;
  if (MayPreferDirect(shape) && PrefersDirect(shape)) {
    direct_ = std::make_unique<Convolution>(shape);
  }
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

// Of as many matrices as there are points, and of what is taken for the rest of a last tile.
int64_t Winograd::InputFloats(int64_t tiles) const {
  return form_.points() * InputStride(tiles) + kMostTileRows * channels_;
}

// A worker's sums: matrices of a block of tiles and a block of columns.
int64_t Winograd::SumFloats(const RowBlocks& tiles) const {
  return form_.points() * (tiles.rows * kMaxColumns + kGap) + kMostTileRows * kMaxColumns;
}

size_t Winograd::ScratchBytes(int threads) const {
  if (direct_ != nullptr) return direct_->ScratchBytes(threads);
  const RowBlocks tiles = TileBlocks(threads);
  const int64_t inputs =
      SharesInput(tiles, threads) ? InputFloats(tiles_) : threads * InputFloats(tiles.rows);
  return static_cast<size_t>(inputs + threads * SumFloats(tiles)) * sizeof(float);
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

void Winograd::Multiply(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                        int64_t point_stride, float* sums) const {
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
      job.packed + blocks_.FirstColumn(column_block) * depth * WeightPoints(form_);
  // Strided points share weights, so their products are made one by one.
  product.count = form_.strided ? 1 : form_.points();
  for (int64_t point = 0; point < form_.points(); point += product.count) {
    product.left[0] = rows + point * product.left_step;
    product.right = right + WeightOf(form_, point) * product.right_step;
    product.out = sums + point * product.out_step;
    if (point + product.count < form_.points()) {
      product.next = right + WeightOf(form_, point + product.count) * product.right_step;
    } else {
      // The next block of columns lies behind this one.
      product.next = column_block + 1 < blocks_.count()
                         ? right + WeightPoints(form_) * product.right_step
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
    const int64_t transformed = blocks_.PackedFloats(in_channels_ * WeightPoints(form_));
    direct_->Run(input, packed + transformed, out, out_stride, epilogue, scratch, parallel);
    return;
  }
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
    float* const rows = inputs + worker * InputFloats(block_tiles);
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
