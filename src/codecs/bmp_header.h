// SPDX-License-Identifier: MIT
// The headers of a BMP file: sizes, colour masks and palette.
#ifndef MULLION_CODECS_BMP_HEADER_H_
#define MULLION_CODECS_BMP_HEADER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace mullion::codecs {

enum class BmpCompression : uint8_t { kNone, kRle8, kRle4 };

struct BmpColor {
  uint8_t blue;
  uint8_t green;
  uint8_t red;
};

// Which bits of a 16- or 32-bit pixel hold a channel; zero for none.
struct BmpMasks {
  uint32_t red = 0;
  uint32_t green = 0;
  uint32_t blue = 0;
  uint32_t alpha = 0;
};

struct BmpHeader {
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  int bits = 0;  // per pixel: 1, 4, 8, 16, 24 or 32
  BmpCompression compression = BmpCompression::kNone;
  BmpMasks masks;                 // for 16 and 32 bits
  std::vector<BmpColor> palette;  // for 1, 4 and 8 bits
  size_t pixel_offset = 0;        // within the file
};

// Reads the headers of all versions: OS/2 1.x (12 bytes), Windows 3 (40), 4 (108) and 5 (124), and
// those between. Sizes are not yet held against any limit. Errors of DecodeImage.
Result<BmpHeader> ReadBmpHeader(std::span<const uint8_t> file);

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_BMP_HEADER_H_
