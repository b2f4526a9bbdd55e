// SPDX-License-Identifier: MIT
// Image files in memory to bitmaps.
#ifndef MULLION_CODECS_DECODE_H_
#define MULLION_CODECS_DECODE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "image/bitmap.h"

namespace mullion::codecs {

enum class ImageCodec : uint8_t { kUnknown, kJpeg, kPng, kWebp, kBmp, kPnm, kTiff, kJpeg2000 };

// "JPEG", as messages print it.
std::string_view ImageCodecName(ImageCodec codec);

struct DecodeOptions {
  // The format of the bitmap. When absent, the nearest to the file's own: Gray8 for gray, RGB8 or
  // BGR8 for colour, RGBA8 or BGRA8 when there is alpha.
  std::optional<image::PixelFormat> format;
  // Larger images are refused before memory is taken for their pixels. 64 Mi pixels are 256 MiB of
  // BGRA8; decoding takes up to about three times that.
  int64_t max_pixels = int64_t{64} << 20;
  // Turns a JPEG picture the way up that its EXIF orientation says.
  bool apply_orientation = true;
};

// Tells by the first bytes; file names do not matter.
ImageCodec DetectCodec(std::span<const uint8_t> file);

// Decodes JPEG, PNG, WebP (one picture, no animation), BMP, PNM (P1 to P6), and, where the
// libraries for them were there when this was built, TIFF (its first picture) and JPEG 2000. Alpha
// stays straight, 16-bit channels are scaled to 8 bits, colour profiles and gamma are not applied.
// A file that is cut off or damaged gives an error, never half a picture. Thread-safe.
// kInvalidArgument for a damaged file, one of another kind, or one that is too large; kUnsupported
// for a legal file of a kind that is not handled; kOutOfMemory.
Result<image::Bitmap> DecodeImage(std::span<const uint8_t> file, const DecodeOptions& options = {});

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_DECODE_H_
