// SPDX-License-Identifier: MIT
// The 8-bit pixel formats, and where each keeps its colours.
#ifndef MULLION_IMAGE_PIXEL_FORMAT_H_
#define MULLION_IMAGE_PIXEL_FORMAT_H_

#include <cstdint>
#include <string_view>

namespace mullion::image {

// One byte a channel, named in the order of the bytes in memory. Alpha is straight: no colour is
// multiplied or divided by it anywhere here. Values are sRGB as stored; nothing is linearised.
enum class PixelFormat : uint8_t { kBgra8, kRgba8, kRgb8, kBgr8, kGray8 };

// Byte offsets within a pixel. Gray answers all three colours with its only byte. `alpha` is -1
// where there is none; `bytes` is 0 for a number that is no pixel format.
struct PixelLayout {
  int bytes;
  int red;
  int green;
  int blue;
  int alpha;
};

constexpr PixelLayout LayoutOf(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgra8:
      return {4, 2, 1, 0, 3};
    case PixelFormat::kRgba8:
      return {4, 0, 1, 2, 3};
    case PixelFormat::kRgb8:
      return {3, 0, 1, 2, -1};
    case PixelFormat::kBgr8:
      return {3, 2, 1, 0, -1};
    case PixelFormat::kGray8:
      return {1, 0, 0, 0, -1};
  }
  return {0, 0, 0, 0, -1};
}

constexpr int BytesPerPixel(PixelFormat format) { return LayoutOf(format).bytes; }

// Channels without alpha: 1 for gray, 3 for all others.
constexpr int ColorChannels(PixelFormat format) { return format == PixelFormat::kGray8 ? 1 : 3; }

// "BGRA8", as messages print it.
std::string_view PixelFormatName(PixelFormat format);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_PIXEL_FORMAT_H_
