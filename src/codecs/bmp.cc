// SPDX-License-Identifier: MIT
#include <array>
#include <vector>

#include "base/str_cat.h"
#include "codecs/bmp_header.h"
#include "codecs/bmp_runs.h"
#include "codecs/codec.h"
#include "image/convert.h"

namespace mullion::codecs {

namespace {

using image::PixelFormat;

Status TooShort() { return Damaged(ImageCodec::kBmp, "it ends within its pixels"); }

// Files store rows bottom up unless they say otherwise.
int64_t SeenRow(const BmpHeader& header, int64_t stored_row) {
  return header.top_down ? stored_row : header.height - 1 - stored_row;
}

// Palette numbers to BGR pixels.
Status PaintIndices(const BmpHeader& header, const uint8_t* indices, uint8_t* bgr) {
  for (int64_t x = 0; x < header.width; ++x, bgr += 3) {
    if (indices[x] >= header.palette.size()) {
      return Damaged(ImageCodec::kBmp,
                     StrCat("a pixel has colour ", int{indices[x]}, " of ", header.palette.size()));
    }
    const BmpColor& color = header.palette[indices[x]];
    bgr[0] = color.blue;
    bgr[1] = color.green;
    bgr[2] = color.red;
  }
  return OkStatus();
}

// Pixels of 1, 4 or 8 bits, the first in the high bits, to one byte each.
void UnpackIndices(const uint8_t* packed, int bits, int64_t count, uint8_t* indices) {
  const int per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  for (int64_t x = 0; x < count; ++x) {
    const int shift = 8 - bits - static_cast<int>(x % per_byte) * bits;
    indices[x] = static_cast<uint8_t>((packed[x / per_byte] >> shift) & mask);
  }
}

// One channel of a pixel with masks, scaled to 8 bits by a table.
class MaskedChannel {
 public:
  // A missing channel is 0.
  explicit MaskedChannel(uint32_t mask) : mask_(mask) {
    if (mask == 0) return;
    while ((mask >> shift_ & 1) == 0) ++shift_;
    uint32_t most = mask >> shift_;
    for (; most > 255; most >>= 1) ++shift_;  // more than 8 bits: the low ones are cut off
    for (uint32_t value = 0; value <= most; ++value) {
      table_[value] = static_cast<uint8_t>((value * 255 + most / 2) / most);
    }
  }
  uint8_t operator()(uint32_t pixel) const { return table_[(pixel & mask_) >> shift_]; }

 private:
  uint32_t mask_;
  int shift_ = 0;
  std::array<uint8_t, 256> table_{};
};

class MaskedPixels {
 public:
  explicit MaskedPixels(const BmpMasks& masks)
      : blue_(masks.blue), green_(masks.green), red_(masks.red), alpha_(masks.alpha) {}

  // 16- or 32-bit little-endian pixels to BGRA, or BGR for a target of 3 bytes.
  void Unpack(const uint8_t* packed, int bits, int64_t count, int target_bytes,
              uint8_t* target) const {
    for (int64_t x = 0; x < count; ++x, packed += bits / 8, target += target_bytes) {
      uint32_t pixel = packed[0] | static_cast<uint32_t>(packed[1]) << 8;
      if (bits == 32) {
        pixel |= static_cast<uint32_t>(packed[2]) << 16 | static_cast<uint32_t>(packed[3]) << 24;
      }
      target[0] = blue_(pixel);
      target[1] = green_(pixel);
      target[2] = red_(pixel);
      if (target_bytes == 4) target[3] = alpha_(pixel);
    }
  }

 private:
  MaskedChannel blue_;
  MaskedChannel green_;
  MaskedChannel red_;
  MaskedChannel alpha_;
};

Status ReadPlainRows(const BmpHeader& header, std::span<const uint8_t> pixels,
                     const image::MutableImageView& target) {
  // Rows are padded to whole words of 32 bits; the padding of the last one may be missing.
  const int64_t row_bytes = (header.width * header.bits + 7) / 8;
  const int64_t stride = (row_bytes + 3) / 4 * 4;
  if (static_cast<int64_t>(pixels.size()) < stride * (header.height - 1) + row_bytes) {
    return TooShort();
  }
  std::vector<uint8_t> indices(header.bits <= 8 ? static_cast<size_t>(header.width) : 0);
  const MaskedPixels masked(header.masks);
  const image::RowConverter copy = image::ConverterFor(PixelFormat::kBgr8, target.format);
  for (int64_t y = 0; y < header.height; ++y) {
    const uint8_t* const packed = pixels.data() + y * stride;
    uint8_t* const row = target.row(SeenRow(header, y));
    if (header.bits <= 8) {
      UnpackIndices(packed, header.bits, header.width, indices.data());
      MULLION_RETURN_IF_ERROR(PaintIndices(header, indices.data(), row));
    } else if (header.bits == 24) {
      copy(packed, row, header.width);
    } else {
      masked.Unpack(packed, header.bits, header.width, image::BytesPerPixel(target.format), row);
    }
  }
  return OkStatus();
}

}  // namespace

Result<image::Bitmap> DecodeBmp(std::span<const uint8_t> file, const DecodeOptions& options) {
  MULLION_ASSIGN_OR_RETURN(const BmpHeader header, ReadBmpHeader(file));
  const bool alpha = header.bits > 8 && header.masks.alpha != 0;
  MULLION_ASSIGN_OR_RETURN(
      image::Bitmap bitmap,
      AllocatePicture(ImageCodec::kBmp, header.width, header.height,
                      alpha ? PixelFormat::kBgra8 : PixelFormat::kBgr8, options));
  const std::span<const uint8_t> pixels = file.subspan(header.pixel_offset);
  if (header.compression == BmpCompression::kNone) {
    MULLION_RETURN_IF_ERROR(ReadPlainRows(header, pixels, bitmap.mutable_view()));
    return bitmap;
  }
  MULLION_ASSIGN_OR_RETURN(
      image::Bitmap indices,
      image::Bitmap::Allocate(PixelFormat::kGray8, header.width, header.height));
  MULLION_RETURN_IF_ERROR(ReadBmpRuns(header, pixels, indices.mutable_view()));
  for (int64_t y = 0; y < header.height; ++y) {
    MULLION_RETURN_IF_ERROR(
        PaintIndices(header, indices.view().row(y), bitmap.mutable_view().row(SeenRow(header, y))));
  }
  return bitmap;
}

}  // namespace mullion::codecs
