// SPDX-License-Identifier: MIT
#include "image/bitmap.h"

#include <cstdint>
#include <utility>

#include "base/str_cat.h"

namespace mullion::image {

Status CheckImageSize(const char* what, int64_t width, int64_t height) {
  if (width >= 1 && height >= 1 && width <= kMaxImageSide && height <= kMaxImageSide &&
      width * height <= kMaxImagePixels) {
    return OkStatus();
  }
  return InvalidArgument(what, " is ", width, " by ", height, " pixels: each side must be 1 to ",
                         kMaxImageSide, " and both together at most ", kMaxImagePixels, " pixels");
}

Status CheckImage(const char* what, const ImageView& image) {
  const int bytes = BytesPerPixel(image.format);
  if (bytes == 0) {
    return InvalidArgument(what, " has the unknown pixel format ", static_cast<int>(image.format),
                           ": use BGRA8, RGBA8, RGB8, BGR8 or Gray8");
  }
  MULLION_RETURN_IF_ERROR(CheckImageSize(what, image.width, image.height));
  // One row needs no stride.
  const int64_t row_bytes = image.width * bytes;
  const int64_t stride = image.row_stride;
  const int64_t most = PTRDIFF_MAX / image.height;
  const bool rows_overlap = stride < row_bytes && stride > -row_bytes;
  if (image.height > 1 && (rows_overlap || stride > most || stride < -most)) {
    return InvalidArgument(what, " has a row stride of ", stride, " bytes: a row of ", image.width,
                           " ", PixelFormatName(image.format), " pixels needs ", row_bytes);
  }
  if (image.pixels == nullptr) return InvalidArgument(what, " has no pixels: null pointer");
  return OkStatus();
}

Result<Bitmap> Bitmap::Allocate(PixelFormat format, int64_t width, int64_t height) {
  MULLION_RETURN_IF_ERROR(CheckImageSize("a bitmap", width, height));
  const int64_t row_bytes = width * BytesPerPixel(format);
  const int64_t bytes = row_bytes * height;  // at most 2^32: more than 32-bit systems can address
  AlignedBuffer memory;
  if (bytes <= PTRDIFF_MAX) memory.reset(AllocateAligned(static_cast<size_t>(bytes)));
  if (memory == nullptr) {
    return OutOfMemory("no memory for a bitmap of ", width, " by ", height, " ",
                       PixelFormatName(format), " pixels");
  }
  const MutableImageView view{format, width, height, static_cast<ptrdiff_t>(row_bytes),
                              static_cast<uint8_t*>(memory.get())};
  MULLION_RETURN_IF_ERROR(CheckImage("a bitmap", view));
  return Bitmap(view, std::move(memory));
}

namespace {

template <typename View>
Result<View> CropView(const View& image, const Rect& rect) {
  MULLION_RETURN_IF_ERROR(CheckImage("the image to crop", image));
  // The order of the comparisons keeps hostile numbers from overflowing.
  const bool inside = rect.left >= 0 && rect.top >= 0 && rect.width >= 1 && rect.height >= 1 &&
                      rect.width <= image.width && rect.height <= image.height &&
                      rect.left <= image.width - rect.width &&
                      rect.top <= image.height - rect.height;
  if (!inside) {
    return InvalidArgument("bounds (left ", rect.left, ", top ", rect.top, ", width ", rect.width,
                           ", height ", rect.height, ") are empty or reach outside the image of ",
                           image.width, " by ", image.height, " pixels");
  }
  View part = image;
  part.pixels = image.row(rect.top) + rect.left * BytesPerPixel(image.format);
  part.width = rect.width;
  part.height = rect.height;
  return part;
}

}  // namespace

Result<ImageView> Crop(const ImageView& image, const Rect& rect) { return CropView(image, rect); }

Result<MutableImageView> Crop(const MutableImageView& image, const Rect& rect) {
  return CropView(image, rect);
}

}  // namespace mullion::image
