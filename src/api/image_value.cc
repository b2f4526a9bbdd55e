// SPDX-License-Identifier: MIT
#include "api/image_value.h"

#include <cstring>
#include <utility>

#include "api/status.h"
#include "api/value.h"
#include "base/str_cat.h"
#include "image/convert.h"

namespace mullion::api {

Result<image::PixelFormat> ToPixelFormat(MullionPixelFormat format) {
  switch (format) {
    case MULLION_PIXEL_RGBA8:
      return image::PixelFormat::kRgba8;
    case MULLION_PIXEL_GRAY8:
      return image::PixelFormat::kGray8;
    case MULLION_PIXEL_BGRA8:
      return image::PixelFormat::kBgra8;
    case MULLION_PIXEL_RGB8:
      return image::PixelFormat::kRgb8;
    case MULLION_PIXEL_BGR8:
      return image::PixelFormat::kBgr8;
    case MULLION_PIXEL_UNKNOWN:
      break;
  }
  return InvalidArgument("pixel format ", static_cast<int>(format),
                         " is not supported; use RGBA8, BGRA8, RGB8, BGR8 or GRAY8");
}

MullionPixelFormat ToC(image::PixelFormat format) {
  switch (format) {
    case image::PixelFormat::kBgra8:
      return MULLION_PIXEL_BGRA8;
    case image::PixelFormat::kRgba8:
      return MULLION_PIXEL_RGBA8;
    case image::PixelFormat::kRgb8:
      return MULLION_PIXEL_RGB8;
    case image::PixelFormat::kBgr8:
      return MULLION_PIXEL_BGR8;
    case image::PixelFormat::kGray8:
      return MULLION_PIXEL_GRAY8;
  }
  return MULLION_PIXEL_UNKNOWN;
}

namespace {

Status CreateImage(MullionPixelFormat format, uint32_t width, uint32_t height, const void* pixels,
                   ptrdiff_t row_stride, MullionValue** value) {
  if (value == nullptr) return NullArgument("MullionValue_CreateImage", "value");
  MULLION_ASSIGN_OR_RETURN(const image::PixelFormat pixel_format, ToPixelFormat(format));
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap,
                           image::Bitmap::Allocate(pixel_format, width, height));
  const image::MutableImageView target = bitmap.mutable_view();
  if (pixels == nullptr) {
    std::memset(target.pixels, 0, static_cast<size_t>(target.row_stride) * height);
  } else {
    const ptrdiff_t stride = row_stride == 0 ? target.row_stride : row_stride;
    MULLION_RETURN_IF_ERROR(image::Convert(
        {pixel_format, width, height, stride, static_cast<const uint8_t*>(pixels)}, target));
  }
  *value = MakeImage(std::move(bitmap)).Detach();
  return OkStatus();
}

}  // namespace

}  // namespace mullion::api

MullionStatus* MullionValue_CreateImage(MullionPixelFormat format, uint32_t width, uint32_t height,
                                        const void* pixels, ptrdiff_t row_stride,
                                        MullionValue** value) {
  return mullion::api::Call(
      [&] { return mullion::api::CreateImage(format, width, height, pixels, row_stride, value); });
}

MullionPixelFormat MullionValue_PixelFormat(const MullionValue* value) {
  return value == nullptr || !value->bitmap ? MULLION_PIXEL_UNKNOWN
                                            : mullion::api::ToC(value->bitmap->format());
}

uint32_t MullionValue_Width(const MullionValue* value) {
  return value == nullptr || !value->bitmap ? 0 : static_cast<uint32_t>(value->bitmap->width());
}

uint32_t MullionValue_Height(const MullionValue* value) {
  return value == nullptr || !value->bitmap ? 0 : static_cast<uint32_t>(value->bitmap->height());
}

void* MullionValue_Pixels(const MullionValue* value) {
  return value == nullptr || !value->bitmap ? nullptr
                                            : const_cast<uint8_t*>(value->bitmap->view().pixels);
}
