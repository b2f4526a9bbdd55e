// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/half_convolution.h"

#include <algorithm>

#include "base/tensor.h"

namespace mullion::cpu {

namespace {

// Narrowing a pixel, and ending its sums, takes as long as is saved on 32 channels to 32.
constexpr int64_t kFewestChannels = 32;
constexpr int64_t kPixelFloatsAtOnce = 16 * 1024;  // that are narrowed by one thread

// Where each pixel is read once its rows are narrowed block by block, and the halves stay in the
// cache; otherwise the whole image is, once.
bool NarrowsBlocks(const ConvolutionShape& shape) { return shape.Taps() == 1; }

// The image of pairs.
ConvolutionShape InPairs(ConvolutionShape shape) {
  shape.in_channels = PairsOf(shape.in_channels);
  return shape;
}

}  // namespace

bool GainsFromHalf(const ConvolutionShape& shape) {
  return shape.groups == 1 && shape.in_channels >= kFewestChannels &&
         shape.out_channels >= kFewestHalfColumns && shape.Taps() > 0;
}

size_t PackedHalfConvolutionFloats(const ConvolutionShape& shape) {
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels);
  return static_cast<size_t>(blocks.PackedFloats(shape.Taps() * PairsOf(shape.in_channels)));
}

void PackHalfConvolution(const float* weights, const ConvolutionShape& shape, float* packed) {
  PackHalfRight(RightSource::Convolution(weights, shape.in_channels, shape.Taps()),
                ColumnBlocks::Of(shape.out_channels), packed);
}

HalfConvolution::HalfConvolution(const ConvolutionShape& shape, TileFinder tiles)
    : channels_(shape.in_channels),
      narrows_blocks_(NarrowsBlocks(shape)),
      rows_(narrows_blocks_ ? shape : InPairs(shape)) {
  product_.rows = shape.OutputPixels();
  product_.taps = rows_.taps();
  product_.depth = rows_.depth();
  product_.blocks = ColumnBlocks::Of(shape.out_channels);
  product_.half = tiles;
  product_.row_scratch_floats = rows_.scratch_floats();
  if (narrows_blocks_) UseHalf(product_, tiles);
  pixels_ = shape.batch;
  for (int i = 0; i < shape.spatial_rank; ++i) pixels_ *= shape.axes[static_cast<size_t>(i)].input;
}

// The narrowed image lies behind the matrix kernel's memory, which is a multiple of lines.
size_t HalfConvolution::ScratchBytes(int threads) const {
  const int64_t pairs = narrows_blocks_ ? 0 : pixels_ * PairsOf(channels_);
  return MatrixScratchBytes(product_, threads) + static_cast<size_t>(pairs) * sizeof(float);
}

void HalfConvolution::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                          const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  MatrixProduct product = product_;
  product.right = packed;
  product.out = out;
  product.out_stride = out_stride;
  product.epilogue = epilogue;
  if (narrows_blocks_) {
    const auto rows = [&](const RowRequest& request) { rows_.Make(input, request); };
    MultiplyHalf(product, rows, channels_, scratch, parallel);
    return;
  }
  const int64_t pairs = PairsOf(channels_);
  auto* const image = reinterpret_cast<float*>(static_cast<char*>(scratch) +
                                               MatrixScratchBytes(product_, parallel.threads()));
  parallel.For(pixels_, std::max<int64_t>(kPixelFloatsAtOnce / std::max<int64_t>(channels_, 1), 1),
               [&](int64_t begin, int64_t end, int /*worker*/) {
                 NarrowRows(input + begin * channels_, end - begin, channels_,
                            image + begin * pairs);
               });
  const auto rows = [&](const RowRequest& request) { rows_.Make(image, request); };
  MultiplyMatrix(product, rows, scratch, parallel);
}

}  // namespace mullion::cpu
