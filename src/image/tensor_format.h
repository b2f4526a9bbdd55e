// SPDX-License-Identifier: MIT
// How pixels lie in a model's tensor: order of channels and axes, and the scale of the values.
#ifndef MULLION_IMAGE_TENSOR_FORMAT_H_
#define MULLION_IMAGE_TENSOR_FORMAT_H_

#include <array>
#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"
#include "image/pixel_format.h"

namespace mullion::image {

enum class TensorLayout : uint8_t { kNchw, kNhwc };

// What the bytes 0 to 255 become before mean and deviation: themselves, v / 255, or v / 127.5 - 1.
// The ranges of Windows ML's LearningModelPixelRange, in its order.
enum class PixelRange : uint8_t { kZeroTo255, kZeroToOne, kMinusOneToOne };

// An element is (range(v) - mean[c]) / deviation[c], c counting the tensor's channels in its own
// order: mean[0] belongs to blue when `pixels` is BGR. The defaults are Windows ML's for a model of
// three channels without metadata.
struct TensorFormat {
  PixelFormat pixels = PixelFormat::kBgr8;  // alpha takes no channel: BGRA8 means the same as BGR8
  TensorLayout layout = TensorLayout::kNchw;
  PixelRange range = PixelRange::kZeroTo255;
  std::array<float, 3> mean = {0, 0, 0};
  std::array<float, 3> deviation = {1, 1, 1};
};

// Where the elements of an image tensor are: element (c, y, x) at
// c * channel_stride + y * row_stride + x * pixel_stride.
struct TensorGrid {
  int64_t width = 0;
  int64_t height = 0;
  int channels = 0;
  int64_t channel_stride = 0;
  int64_t row_stride = 0;
  int64_t pixel_stride = 0;
};

// Checks that `tensor` can hold one image in `format`: host memory; float, float16 or uint8;
// [1,C,H,W] or [C,H,W], or with C last for kNhwc; C 1 for Gray8 and 3 for colour. uint8 tensors
// take the bytes as they are, so they need kZeroTo255, no mean, and deviation 1. kInvalidBinding
// for a wrong element type, kSizeMismatch for a wrong shape, kInvalidArgument for values of
// `format` that mean nothing.
Result<TensorGrid> CheckImageTensor(const TensorView& tensor, const TensorFormat& format);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_TENSOR_FORMAT_H_
