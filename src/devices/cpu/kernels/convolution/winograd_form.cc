// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/winograd_form.h"

#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/thin_winograd_tile.h"
#include "devices/cpu/kernels/convolution/winograd_column.h"
#include "devices/cpu/kernels/matrix/few_columns.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {

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
// Those of 128 to 128 are 4 MiB as 64 numbers, 3 as 49.
constexpr int64_t kMostLargestTiles = 128 * 128;
constexpr int64_t kMostLargeTiles = 256 * 256;
constexpr int64_t kMostProducts = 512 * 512;
// Those of 64 to 96 channels are 1.2 MB as 49 numbers.
constexpr int64_t kFewestInRegisters = 64 * 96;
// With stride 2 (not in plain code), weights of four times the size save less: at 256 to 256
// channels they come from memory, which took back the fifth that was saved with Zen 4, and doubled
// the time of such a layer with Emerald Rapids.
constexpr int64_t kMostStridedProducts = 128 * 256;
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

// Whether weights for tiles of 5x5 outputs are transformed across only (see winograd_column.h):
// those that the level 2 cache does not hold, for the tiles of one image that are taken at once.
bool MakesWeightsInRegisters(const ConvolutionShape& shape) {
  const auto tiles = [&](size_t i) { return TileAxis(shape.axes[i], 5).tiles; };
  return ColumnBlocks::Of(1).lanes == 16 && tiles(0) * tiles(1) == kWinogradColumnTiles &&
         shape.out_channels % kWinogradColumnBlock == 0 &&
         shape.in_channels * shape.out_channels >= kFewestInRegisters;
}

}  // namespace

bool IsThinWinograd(const ConvolutionShape& shape) {
  if (CurrentIsa() == Isa::kScalar || CurrentIsa() == Isa::kSse4) return false;
  if (shape.spatial_rank != 2 || shape.groups != 1) return false;
  if (shape.in_channels < 1 || shape.in_channels > kThinChannels ||
      shape.out_channels <= std::max(kFewColumns, ColumnBlocks::Of(1).lanes / int64_t{2})) {
    return false;
  }
  const int64_t kernel = shape.axes[0].kernel;
  if (kernel != 3 && kernel != 5) return false;
  const auto fits = [&](const ConvolutionShape::Axis& axis) {
    return axis.kernel == kernel && axis.stride == 1 && axis.dilation == 1 &&
           !(shape.fixed && axis.output < kThinTile);
  };
  return fits(shape.axes[0]) && fits(shape.axes[1]);
}

WinogradForm WinogradFormOf(const ConvolutionShape& shape) {
  const int axis = LineAxisOf(shape);
  if (axis >= 0) {
    const auto line_kernel = static_cast<int>(shape.axes[static_cast<size_t>(axis)].kernel);
    return {kWinogradLinePoints + 1 - line_kernel, true};
  }
  if (IsStrided(shape)) return {4, false, true};
  const auto kernel = static_cast<int>(shape.axes[0].kernel);
  if (kernel > 3) return {kWinogradLinePoints + 1 - kernel, false, false, kernel};
  if (shape.in_channels <= kThinChannels) return {kThinTile, false};
  const int64_t weights = shape.in_channels * shape.out_channels;
  if (weights > kMostLargeTiles) return {2, false};
  if (!shape.fixed || weights > kMostLargestTiles) return {4, false};
  // A tenth less is worth the larger weights. Tiles of 5x5 outputs fit images of 13 to 15 or of
  // 55 pixels better.
  const int64_t of_five = ProductsOf(shape, {5, false});
  const int64_t of_six = ProductsOf(shape, {6, false});
  if (std::min(of_five, of_six) * 10 > ProductsOf(shape, {4, false}) * 9) return {4, false};
  if (of_six < of_five) return {6, false};
  WinogradForm form = {5, false};
  form.across_only = MakesWeightsInRegisters(shape);
  return form;
}

namespace {

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

bool HasEnoughChannels(const ConvolutionShape& shape) {
  const int64_t fewer = std::min(shape.in_channels, shape.out_channels);
  if (IsStrided(shape)) return fewer >= kFewestStridedChannels;
  if (LineAxisOf(shape) >= 0) return fewer >= kFewestLineChannels;
  return shape.in_channels >= kFewestChannels && shape.out_channels > kFewColumns &&
         shape.in_channels * shape.out_channels >= kFewestProducts;
}

}  // namespace

bool PrefersDirectToWinograd(const ConvolutionShape& shape) {
  const int64_t least = MatrixTileRows(ColumnBlocks::Of(shape.out_channels).Vectors(0));
  int64_t outputs = 1;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    outputs *= shape.axes[static_cast<size_t>(i)].output;
  }
  return ProductsOf(shape, WinogradFormOf(shape)) * 5 > shape.Taps() * std::max(outputs, least) * 4;
}

bool MayPreferDirectToWinograd(const ConvolutionShape& shape) {
  if (shape.fixed) return false;
  if (LineAxisOf(shape) >= 0 || IsStrided(shape)) return true;
  return shape.axes[0].dilation > 1 || shape.axes[1].dilation > 1;
}

bool UsesWinograd(const ConvolutionShape& shape) {
  if (IsThinWinograd(shape)) return true;
  if (shape.spatial_rank < 1 || shape.spatial_rank > 2 || shape.groups != 1) return false;
  const int line = LineAxisOf(shape);
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    if (axis.stride != shape.axes[0].stride || axis.stride > 2) return false;
    if (axis.stride == 2 && (line >= 0 || axis.dilation != 1 || CurrentIsa() == Isa::kScalar)) {
      return false;
    }
  }
  if (line >= 0) {
    const int64_t kernel = shape.axes[static_cast<size_t>(line)].kernel;
    if (kernel < 3 || kernel > 7) return false;
  } else if (shape.spatial_rank != 2 || shape.axes[0].kernel != shape.axes[1].kernel) {
    return false;
  } else if (shape.axes[0].kernel != 3) {
    return shape.in_channels >= kFewestChannels && shape.out_channels >= kFewestChannels &&
           GainsFromEightPoints(shape) && !(shape.fixed && PrefersDirectToWinograd(shape));
  }
  return HasEnoughChannels(shape) &&
         shape.in_channels * shape.out_channels <=
             (IsStrided(shape) ? kMostStridedProducts : kMostProducts) &&
         !(shape.fixed && PrefersDirectToWinograd(shape));
}

}  // namespace mullion::cpu
