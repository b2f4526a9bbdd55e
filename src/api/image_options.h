// SPDX-License-Identifier: MIT
// The options of one binding of an image, checked.
#ifndef MULLION_API_IMAGE_OPTIONS_H_
#define MULLION_API_IMAGE_OPTIONS_H_

#include <optional>

#include "base/status.h"
#include "image/image_to_tensor.h"
#include "mullion/c/mullion.h"

namespace mullion::api {

// What is absent comes from the model.
struct ImageOptions {
  std::optional<image::Rect> bounds;
  std::optional<image::PixelFormat> pixels;
  std::optional<image::PixelRange> range;
  std::optional<image::FitMode> fit;
  image::Filter filter = image::Filter::kAuto;
  image::Color margin;
  image::TensorFormat normalization;  // only its mean and deviation count
  int channels_last = -1;
};

// `options` may be null, and may be of a smaller size: of a caller compiled against an older
// header.
Result<ImageOptions> ReadImageOptions(const MullionImageOptions* options);

}  // namespace mullion::api

#endif  // MULLION_API_IMAGE_OPTIONS_H_
