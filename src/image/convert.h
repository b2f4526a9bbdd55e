// SPDX-License-Identifier: MIT
// From one pixel format to another, without changing the size.
#ifndef MULLION_IMAGE_CONVERT_H_
#define MULLION_IMAGE_CONVERT_H_

#include <cstdint>

#include "base/status.h"
#include "image/bitmap.h"

namespace mullion::image {

// Writes `source` into `target`, which has the same size and does not overlap it. Colour becomes
// gray by the weights of luma.h, gray becomes colour by repeating, an alpha channel that the source
// lacks becomes 255, one that the target lacks is dropped.
// kInvalidArgument for a view that CheckImage refuses, kSizeMismatch when the sizes differ.
Status Convert(const ImageView& source, const MutableImageView& target);

// The same for `count` pixels in a row.
using RowConverter = void (*)(const uint8_t* source, uint8_t* target, int64_t count);
// Both formats must be valid.
RowConverter ConverterFor(PixelFormat source, PixelFormat target);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_CONVERT_H_
