// SPDX-License-Identifier: MIT
#ifndef MULLION_SOFTWARE_BITMAP_H_
#define MULLION_SOFTWARE_BITMAP_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "mullion/feature_value.h"

namespace mullion {

// A picture in memory that it owns: 8 bits a channel, origin top left, rows packed without gaps.
class SoftwareBitmap final : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  // All bytes zero. ErrorCode::InvalidArgument for a side of 0 or beyond 2^20 pixels, or more than
  // 2^30 pixels; ErrorCode::OutOfMemory.
  SoftwareBitmap(mullion::BitmapPixelFormat format, uint32_t width, uint32_t height)
      : SoftwareBitmap(Make(format, width, height, nullptr, 0)) {}
  // Copies `pixels`, whose rows are `row_stride` bytes apart (0: packed).
  // ErrorCode::InvalidArgument when there are too few.
  static SoftwareBitmap CreateFromPixels(mullion::BitmapPixelFormat format, uint32_t width,
                                         uint32_t height, std::span<const uint8_t> pixels,
                                         size_t row_stride = 0) {
    const size_t row = size_t{width} * BytesPerPixel(format);
    const size_t stride = row_stride == 0 ? row : row_stride;
    const bool enough = height > 0 && stride <= pixels.size() && row <= pixels.size() &&
                        (pixels.size() - row) / (stride == 0 ? 1 : stride) >= height - 1;
    if (!enough) {
      throw Error(ErrorCode::InvalidArgument,
                  std::to_string(pixels.size()) + " bytes are too few for a bitmap of " +
                      std::to_string(width) + " by " + std::to_string(height) + " pixels");
    }
    return SoftwareBitmap(
        Make(format, width, height, pixels.data(), static_cast<ptrdiff_t>(stride)));
  }
  // Reads an image file. Defined in mullion/image_codecs.h.
  inline static SoftwareBitmap LoadFromFile(
      const std::filesystem::path& path,
      mullion::BitmapPixelFormat format = mullion::BitmapPixelFormat::Bgra8);

  mullion::BitmapPixelFormat BitmapPixelFormat() const {
    return static_cast<mullion::BitmapPixelFormat>(MullionValue_PixelFormat(get()));
  }
  uint32_t PixelWidth() const { return MullionValue_Width(get()); }
  uint32_t PixelHeight() const { return MullionValue_Height(get()); }
  // The pixels where they are, to read or to write. Valid as long as the bitmap.
  std::span<uint8_t> Pixels() const {
    return {static_cast<uint8_t*>(MullionValue_Pixels(get())),
            size_t{PixelWidth()} * PixelHeight() * BytesPerPixel(BitmapPixelFormat())};
  }

  static constexpr size_t BytesPerPixel(mullion::BitmapPixelFormat format) {
    switch (format) {
      case mullion::BitmapPixelFormat::Rgba8:
      case mullion::BitmapPixelFormat::Bgra8:
        return 4;
      case mullion::BitmapPixelFormat::Rgb8:
      case mullion::BitmapPixelFormat::Bgr8:
        return 3;
      case mullion::BitmapPixelFormat::Gray8:
        return 1;
      case mullion::BitmapPixelFormat::Unknown:
        break;
    }
    return 0;
  }

  static constexpr char kDescription[] = "an image";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_IMAGE;
  }

 private:
  static detail::ValueHandle Make(mullion::BitmapPixelFormat format, uint32_t width,
                                  uint32_t height, const void* pixels, ptrdiff_t row_stride) {
    MullionValue* value = nullptr;
    detail::Check(MullionValue_CreateImage(static_cast<MullionPixelFormat>(format), width, height,
                                           pixels, row_stride, &value));
    return detail::ValueHandle::Adopt(value);
  }
};

}  // namespace mullion

#endif  // MULLION_SOFTWARE_BITMAP_H_
