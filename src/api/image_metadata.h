// SPDX-License-Identifier: MIT
// What a model's metadata says of the pictures that it takes: the keys Image.BitmapPixelFormat,
// Image.ColorSpaceGamma and Image.NominalPixelRange of the ONNX image category.
#ifndef MULLION_API_IMAGE_METADATA_H_
#define MULLION_API_IMAGE_METADATA_H_

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "image/pixel_format.h"
#include "image/tensor_format.h"

namespace mullion::api {

struct ImageMetadata {
  // Why no image can be bound anywhere in this model; empty when images can.
  std::string problem;
  std::optional<image::PixelFormat> pixels;  // channel order of the tensor: Gray8, RGB8 or BGR8
  image::PixelRange range = image::PixelRange::kZeroTo255;
};

// Keys are compared without case, values exactly, as Windows ML does.
ImageMetadata ReadImageMetadata(std::span<const std::pair<std::string, std::string>> metadata);

}  // namespace mullion::api

#endif  // MULLION_API_IMAGE_METADATA_H_
