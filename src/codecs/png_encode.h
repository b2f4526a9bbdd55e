// SPDX-License-Identifier: MIT
// Bitmaps to PNG files in memory.
#ifndef MULLION_CODECS_PNG_ENCODE_H_
#define MULLION_CODECS_PNG_ENCODE_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "image/bitmap.h"

namespace mullion::codecs {

// The bytes of a PNG file with 8 bits a channel: gray, colour, or colour with alpha, as the format
// of `image` has it. DecodeImage gives the same pixels back. Errors of CheckImage; kOutOfMemory.
Result<std::vector<uint8_t>> EncodePng(const image::ImageView& image);

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_PNG_ENCODE_H_
