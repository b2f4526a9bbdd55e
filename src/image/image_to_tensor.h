// SPDX-License-Identifier: MIT
// A picture of any size to a model's input, in one pass over its rows.
#ifndef MULLION_IMAGE_IMAGE_TO_TENSOR_H_
#define MULLION_IMAGE_IMAGE_TO_TENSOR_H_

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "base/tensor.h"
#include "image/bitmap.h"
#include "image/filter_taps.h"
#include "image/fit.h"
#include "image/tensor_format.h"

namespace mullion::image {

struct Color {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

struct ImageToTensorOptions {
  std::optional<Rect> bounds;  // the part of the image to use; all of it when absent
  // When absent: kStretch with bounds and kCenterCrop without, as Windows ML does.
  std::optional<FitMode> fit;
  Filter filter = Filter::kAuto;
  Color margin;  // what letterboxing leaves over; goes through the tensor's format like a pixel
  TensorFormat format;
};

// Crops, scales and tensorizes `image` into `target`, whose shape gives the size. Each scaled row
// is rounded to bytes first, as if the scaled image had been stored. Gives the bounds that were
// used. Errors of CheckImage, Crop and CheckImageTensor.
Result<Fit> ImageToTensor(const ImageView& image, const ImageToTensorOptions& options,
                          const MutableTensorView& target);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_IMAGE_TO_TENSOR_H_
