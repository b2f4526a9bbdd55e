// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/pixel_columns.h"

#include <algorithm>
#include <cstring>

#include "base/tensor.h"
#include "devices/cpu/kernels/convolution/plane_convolution.h"
#include "devices/cpu/kernels/matrix/few_columns.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

namespace {

// The widest vector of any instruction set.
constexpr int64_t kMaxLanes = 16;
constexpr size_t kBiasBytes = kMaxLanes * sizeof(float);

const ConvolutionShape::Axis& LastAxis(const ConvolutionShape& shape) {
  return shape.axes[static_cast<size_t>(shape.spatial_rank - 1)];
}

// The convolution whose output pixels are `pixels` neighbours each.
ConvolutionShape WideShape(const ConvolutionShape& shape, int64_t pixels) {
  ConvolutionShape wide = shape;
  ConvolutionShape::Axis& last = wide.axes[static_cast<size_t>(shape.spatial_rank - 1)];
  wide.out_channels = pixels * shape.out_channels;
  last.kernel += (pixels - 1) * last.stride;
  last.stride *= pixels;
  last.output = (last.output + pixels - 1) / pixels;
  return wide;
}

}  // namespace

int64_t PixelsAtOnce(const ConvolutionShape& shape) {
  if (shape.spatial_rank == 0 || shape.groups != 1 || shape.out_channels == 0) return 1;
  // From so many channels on, vectors along them do better.
  if (shape.in_channels >= kFewColumnsDepth || AreNarrowPlanes(shape)) return 1;
  const ConvolutionShape::Axis& last = LastAxis(shape);
  if (last.kernel < 1 || last.dilation != 1) return 1;
  const int64_t pixels = ColumnBlocks::Of(1).lanes / shape.out_channels;
  if (pixels < 2) return 1;
  // Worth it from a gain of a quarter on: rows are not always whole vectors.
  const int64_t wide = last.kernel + (pixels - 1) * last.stride;
  return wide * 5 < last.kernel * pixels * 4 ? pixels : 1;
}

size_t PackedPixelColumnsFloats(const ConvolutionShape& shape) {
  const ConvolutionShape wide = WideShape(shape, PixelsAtOnce(shape));
  return PackedConvolutionFloats(wide.out_channels, 1, wide.in_channels, wide.Taps());
}

void PackPixelColumns(const float* weights, const ConvolutionShape& shape, float* packed) {
  const int64_t pixels = PixelsAtOnce(shape);
  const ConvolutionShape wide = WideShape(shape, pixels);
  const ConvolutionShape::Axis& last = LastAxis(shape);
  const int64_t wide_kernel = LastAxis(wide).kernel;
  const int64_t lines = shape.out_channels * shape.in_channels * shape.Taps() / last.kernel;
  std::vector<float> widened(static_cast<size_t>(pixels * lines * wide_kernel));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t line = 0; line < lines; ++line) {
      std::memcpy(widened.data() + (pixel * lines + line) * wide_kernel + pixel * last.stride,
                  weights + line * last.kernel, static_cast<size_t>(last.kernel) * sizeof(float));
    }
  }
  PackConvolution(widened.data(), wide.out_channels, 1, wide.in_channels, wide.Taps(), packed);
}

PixelColumns::PixelColumns(const ConvolutionShape& shape)
    : image_(WideShape(shape, PixelsAtOnce(shape))),
      rows_(image_.shape()),
      channels_(shape.out_channels) {
  const int64_t pixels = PixelsAtOnce(shape);
  const ConvolutionShape wide = WideShape(shape, pixels);
  product_.rows = wide.OutputPixels();
  product_.of_samples = true;
  product_.taps = rows_.taps();
  product_.depth = rows_.depth();
  product_.blocks = ColumnBlocks::Of(wide.out_channels);
  product_.row_scratch_floats = rows_.scratch_floats();
  product_.lines.step = pixels;
  int64_t length = LastAxis(shape).output;
  if (length % pixels == 0) length = shape.OutputPixels();
  product_.lines.length = (length + pixels - 1) / pixels;
  product_.lines.last_columns = length % pixels * channels_;
  if (length > 0) {
    for (int64_t pixel = 0; pixel < shape.OutputPixels(); pixel += length) lines_.push_back(pixel);
  }
}

size_t PixelColumns::ScratchBytes(int threads) const {
  return kBiasBytes + image_.bytes() + MatrixScratchBytes(product_, threads);
}

void PixelColumns::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                       const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  MatrixProduct product = product_;
  product.right = packed;
  product.out = out;
  product.out_stride = out_stride;
  product.epilogue = epilogue;
  product.lines.first = lines_.data();
  auto* const bias = static_cast<float*>(scratch);
  if (epilogue.bias != nullptr) {
    for (int64_t i = 0; i < product.blocks.columns; ++i) bias[i] = epilogue.bias[i % channels_];
    product.epilogue.bias = bias;
  }
  char* const memory = static_cast<char*>(scratch) + kBiasBytes;
  const float* const image = image_.Make(input, memory);
  MultiplyMatrix(
      product, [&](const RowRequest& request) { rows_.Make(image, request); },
      memory + image_.bytes(), parallel);
}

}  // namespace mullion::cpu
