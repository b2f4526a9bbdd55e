// SPDX-License-Identifier: MIT
#include "codecs/exif_orientation.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace mullion::codecs {

namespace {

// Numbers of a TIFF block in its byte order. Reading outside gives 0, which no caller takes for
// something valid.
class TiffReader {
 public:
  explicit TiffReader(std::span<const uint8_t> tiff) : tiff_(tiff) {
    big_endian_ = tiff.size() >= 2 && tiff[0] == 'M';
  }
  uint32_t U16(size_t offset) const { return Number(offset, 2); }
  uint32_t U32(size_t offset) const { return Number(offset, 4); }

 private:
  uint32_t Number(size_t offset, size_t bytes) const {
    if (offset > tiff_.size() || tiff_.size() - offset < bytes) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
      value = value << 8 | tiff_[offset + (big_endian_ ? i : bytes - 1 - i)];
    }
    return value;
  }

  std::span<const uint8_t> tiff_;
  bool big_endian_ = false;
};

// Moves pixels of a fixed size: the compiler turns the copy into plain moves. Stored pixel (x, y)
// goes to origin + x * step_x + y * step_y of the target.
template <int kBytes>
void MovePixels(const image::ImageView& stored, uint8_t* origin, ptrdiff_t step_x,
                ptrdiff_t step_y) {
  for (int64_t y = 0; y < stored.height; ++y) {
    const uint8_t* from = stored.row(y);
    uint8_t* to = origin + static_cast<ptrdiff_t>(y) * step_y;
    for (int64_t x = 0; x < stored.width; ++x, from += kBytes, to += step_x) {
      std::memcpy(to, from, kBytes);
    }
  }
}

}  // namespace

Orientation ReadExifOrientation(std::span<const uint8_t> tiff) {
  constexpr uint32_t kOrientationTag = 0x0112;
  constexpr uint32_t kTypeShort = 3;
  constexpr size_t kEntryBytes = 12;  // tag 2, type 2, count 4, value 4

  const TiffReader reader(tiff);
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M') ||
      reader.U16(2) != 42) {
    return Orientation::kTopLeft;
  }
  const size_t directory = reader.U32(4);
  const size_t entries = reader.U16(directory);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    if (reader.U16(entry) != kOrientationTag || reader.U16(entry + 2) != kTypeShort) continue;
    const uint32_t value = reader.U16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<Orientation>(value) : Orientation::kTopLeft;
  }
  return Orientation::kTopLeft;
}

Result<image::Bitmap> Oriented(image::Bitmap stored, Orientation orientation) {
  if (orientation == Orientation::kTopLeft) return stored;
  const bool transposed = orientation >= Orientation::kLeftTop;
  int64_t width = stored.width();
  int64_t height = stored.height();
  if (transposed) std::swap(width, height);
  MULLION_ASSIGN_OR_RETURN(image::Bitmap seen,
                           image::Bitmap::Allocate(stored.format(), width, height));

  // Whether the target is filled from its right edge, and from its bottom edge.
  const bool from_right =
      orientation == Orientation::kTopRight || orientation == Orientation::kBottomRight ||
      orientation == Orientation::kRightTop || orientation == Orientation::kRightBottom;
  const bool from_bottom =
      orientation == Orientation::kBottomRight || orientation == Orientation::kBottomLeft ||
      orientation == Orientation::kRightBottom || orientation == Orientation::kLeftBottom;
  const image::MutableImageView target = seen.mutable_view();
  const int bytes = image::BytesPerPixel(stored.format());
  ptrdiff_t step_x = from_right ? -bytes : bytes;
  ptrdiff_t step_y = from_bottom ? -target.row_stride : target.row_stride;
  if (transposed) std::swap(step_x, step_y);
  uint8_t* const origin =
      target.row(from_bottom ? height - 1 : 0) + (from_right ? (width - 1) * bytes : 0);
  switch (bytes) {
    case 1:
      MovePixels<1>(stored.view(), origin, step_x, step_y);
      break;
    case 3:
      MovePixels<3>(stored.view(), origin, step_x, step_y);
      break;
    default:
      MovePixels<4>(stored.view(), origin, step_x, step_y);
      break;
  }
  return seen;
}

}  // namespace mullion::codecs
