// SPDX-License-Identifier: MIT
// The way a camera was held: reading it from EXIF, and turning the picture by it.
#ifndef MULLION_CODECS_EXIF_ORIENTATION_H_
#define MULLION_CODECS_EXIF_ORIENTATION_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "image/bitmap.h"

namespace mullion::codecs {

// The values of EXIF tag 0x0112, named by where the stored row 0 and column 0 are to be seen.
enum class Orientation : uint8_t {
  kTopLeft = 1,      // as stored
  kTopRight = 2,     // mirrored left to right
  kBottomRight = 3,  // turned by 180 degrees
  kBottomLeft = 4,   // mirrored top to bottom
  kLeftTop = 5,      // mirrored along the main diagonal
  kRightTop = 6,     // to be turned by 90 degrees clockwise
  kRightBottom = 7,  // mirrored along the other diagonal
  kLeftBottom = 8,   // to be turned by 90 degrees anticlockwise
};

// Reads the orientation from a TIFF block, which is what follows "Exif\0\0" in a JPEG APP1 marker.
// kTopLeft when there is none, or the block makes no sense: a picture is worth more than its EXIF.
Orientation ReadExifOrientation(std::span<const uint8_t> tiff);

// The picture as it is to be seen. Gives `stored` back when nothing is to be done; kOutOfMemory.
Result<image::Bitmap> Oriented(image::Bitmap stored, Orientation orientation);

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_EXIF_ORIENTATION_H_
