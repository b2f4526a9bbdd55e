// SPDX-License-Identifier: MIT
#include "image/pixel_format.h"

namespace mullion::image {

std::string_view PixelFormatName(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgra8:
      return "BGRA8";
    case PixelFormat::kRgba8:
      return "RGBA8";
    case PixelFormat::kRgb8:
      return "RGB8";
    case PixelFormat::kBgr8:
      return "BGR8";
    case PixelFormat::kGray8:
      return "Gray8";
  }
  return "unknown";
}

}  // namespace mullion::image
