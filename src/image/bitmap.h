// SPDX-License-Identifier: MIT
// Pictures in memory: borrowed views, and Bitmap, which owns its pixels.
#ifndef MULLION_IMAGE_BITMAP_H_
#define MULLION_IMAGE_BITMAP_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/memory.h"
#include "base/status.h"
#include "image/pixel_format.h"

namespace mullion::image {

// Bounds of every image here, so that no product of sizes below can overflow 63 bits and no
// caller's mistake asks for memory without end: one gigapixel is 4 GiB of BGRA8.
inline constexpr int64_t kMaxImageSide = int64_t{1} << 20;
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 30;

// A rectangle of whole pixels; the origin is the top left corner.
struct Rect {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = 0;
  int64_t height = 0;

  friend bool operator==(const Rect& a, const Rect& b) {
    return a.left == b.left && a.top == b.top && a.width == b.width && a.height == b.height;
  }
};

// A borrowed image that may only be read. `pixels` is the top left pixel; rows are `row_stride`
// bytes apart, which may be more than a row holds, or negative when rows are stored bottom up.
struct ImageView {
  PixelFormat format = PixelFormat::kBgra8;
  int64_t width = 0;
  int64_t height = 0;
  ptrdiff_t row_stride = 0;
  const uint8_t* pixels = nullptr;

  const uint8_t* row(int64_t y) const { return pixels + static_cast<ptrdiff_t>(y) * row_stride; }
  Rect bounds() const { return {0, 0, width, height}; }
};

// A borrowed image that may be written.
struct MutableImageView {
  PixelFormat format = PixelFormat::kBgra8;
  int64_t width = 0;
  int64_t height = 0;
  ptrdiff_t row_stride = 0;
  uint8_t* pixels = nullptr;

  uint8_t* row(int64_t y) const { return pixels + static_cast<ptrdiff_t>(y) * row_stride; }
  Rect bounds() const { return {0, 0, width, height}; }
  operator ImageView() const { return {format, width, height, row_stride, pixels}; }
};

// An image that owns its pixels, rows packed without gaps. Movable, thread-compatible.
class Bitmap {
 public:
  // Unspecified pixels. kInvalidArgument for a size outside the bounds above, kOutOfMemory.
  static Result<Bitmap> Allocate(PixelFormat format, int64_t width, int64_t height);

  PixelFormat format() const { return view_.format; }
  int64_t width() const { return view_.width; }
  int64_t height() const { return view_.height; }
  ImageView view() const { return view_; }
  MutableImageView mutable_view() { return view_; }

 private:
  Bitmap(const MutableImageView& view, AlignedBuffer memory)
      : view_(view), memory_(std::move(memory)) {}

  MutableImageView view_;
  AlignedBuffer memory_;
};

// kInvalidArgument when a side is zero, negative or beyond the bounds above. `what` begins the
// message: "the target image".
Status CheckImageSize(const char* what, int64_t width, int64_t height);

// Checks what a caller handed in: format, size, stride and pointer. Every function of this folder
// that takes a view does so first, and reads or writes nothing when it fails.
Status CheckImage(const char* what, const ImageView& image);

// The part of `image` within `rect`, sharing its pixels. kInvalidArgument when `rect` is empty or
// reaches outside.
Result<ImageView> Crop(const ImageView& image, const Rect& rect);
Result<MutableImageView> Crop(const MutableImageView& image, const Rect& rect);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_BITMAP_H_
