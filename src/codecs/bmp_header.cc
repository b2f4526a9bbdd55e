// SPDX-License-Identifier: MIT
#include "codecs/bmp_header.h"

#include <algorithm>
#include <cstddef>

#include "base/str_cat.h"
#include "codecs/codec.h"

namespace mullion::codecs {

namespace {

// Layout of a file: file header, info header, masks (only after a 40-byte header), palette, pixels.
constexpr size_t kFileHeaderBytes = 14;  // "BM", file size 4, reserved 4, offset of the pixels 4
constexpr uint32_t kCoreHeaderBytes = 12;
constexpr uint32_t kInfoHeaderBytes = 40;
constexpr uint32_t kV2HeaderBytes = 52;  // from here on with three masks
constexpr uint32_t kV3HeaderBytes = 56;  // from here on with a mask for alpha

// biCompression
constexpr uint32_t kRgb = 0;
constexpr uint32_t kRle8 = 1;
constexpr uint32_t kRle4 = 2;
constexpr uint32_t kBitFields = 3;
constexpr uint32_t kJpeg = 4;
constexpr uint32_t kPng = 5;
constexpr uint32_t kAlphaBitFields = 6;

// Little-endian numbers. The caller has checked that they are within the file.
uint32_t U16(std::span<const uint8_t> file, size_t offset) {
  return file[offset] | static_cast<uint32_t>(file[offset + 1]) << 8;
}
uint32_t U32(std::span<const uint8_t> file, size_t offset) {
  return U16(file, offset) | U16(file, offset + 2) << 16;
}

Status TooShort(const char* part) {
  return Damaged(ImageCodec::kBmp, StrCat("it ends within its ", part));
}

Status CheckBits(int bits, uint32_t compression) {
  constexpr int kLegal[] = {1, 4, 8, 16, 24, 32};
  if (std::find(std::begin(kLegal), std::end(kLegal), bits) == std::end(kLegal)) {
    return Damaged(ImageCodec::kBmp, StrCat("it has ", bits, " bits a pixel"));
  }
  const bool masked = compression == kBitFields || compression == kAlphaBitFields;
  const bool fits = compression == kRgb || (compression == kRle8 && bits == 8) ||
                    (compression == kRle4 && bits == 4) || (masked && (bits == 16 || bits == 32));
  if (fits) return OkStatus();
  if (compression == kJpeg || compression == kPng) {
    return Unsupported(
        "cannot decode the BMP image: it holds a JPEG or PNG file; take that one out of it");
  }
  return Damaged(ImageCodec::kBmp,
                 StrCat("it has ", bits, " bits a pixel with compression ", compression));
}

// The bits of a mask must be neighbours, and no two masks may share one.
Status CheckMasks(const BmpMasks& masks) {
  uint32_t seen = 0;
  for (const uint32_t mask : {masks.red, masks.green, masks.blue, masks.alpha}) {
    const uint32_t filled = mask | (mask - 1);  // the zeros below the mask become ones
    const bool contiguous = mask == 0 || (filled & (filled + 1)) == 0;
    if (!contiguous || (seen & mask) != 0) {
      return Damaged(ImageCodec::kBmp, "its colour masks make no sense");
    }
    seen |= mask;
  }
  return OkStatus();
}

BmpMasks DefaultMasks(int bits) {
  // Without masks the fourth byte, or the sixteenth bit, says nothing: it is not alpha.
  if (bits == 16) return {0x7c00, 0x03e0, 0x001f, 0};
  return {0xff0000, 0x00ff00, 0x0000ff, 0};
}

// Reads masks and gives the size of those that lie outside the info header.
Result<size_t> ReadMasks(std::span<const uint8_t> file, uint32_t header_bytes, uint32_t compression,
                         BmpHeader& header) {
  header.masks = DefaultMasks(header.bits);
  if (compression != kBitFields && compression != kAlphaBitFields) return size_t{0};
  constexpr size_t kMasks = kFileHeaderBytes + kInfoHeaderBytes;  // in all versions alike
  const bool outside = header_bytes < kV2HeaderBytes;
  const bool alpha = compression == kAlphaBitFields || header_bytes >= kV3HeaderBytes;
  const size_t bytes = alpha ? 16 : 12;
  if (file.size() < kMasks + bytes) return TooShort("colour masks");
  header.masks = {U32(file, kMasks), U32(file, kMasks + 4), U32(file, kMasks + 8),
                  alpha ? U32(file, kMasks + 12) : 0};
  MULLION_RETURN_IF_ERROR(CheckMasks(header.masks));
  return outside ? bytes : size_t{0};
}

Status ReadPalette(std::span<const uint8_t> file, size_t offset, size_t entry_bytes,
                   uint32_t colors_used, BmpHeader& header) {
  const uint32_t possible = 1u << header.bits;
  const uint32_t colors = colors_used == 0 ? possible : std::min(colors_used, possible);
  if (offset > file.size() || file.size() - offset < colors * entry_bytes) {
    return TooShort("palette");
  }
  header.palette.reserve(colors);
  for (uint32_t i = 0; i < colors; ++i) {
    const uint8_t* const entry = file.data() + offset + i * entry_bytes;
    header.palette.push_back({entry[0], entry[1], entry[2]});
  }
  return OkStatus();
}

}  // namespace

Result<BmpHeader> ReadBmpHeader(std::span<const uint8_t> file) {
  if (file.size() < kFileHeaderBytes + kCoreHeaderBytes) return TooShort("header");
  BmpHeader header;
  header.pixel_offset = U32(file, 10);
  const uint32_t header_bytes = U32(file, kFileHeaderBytes);
  const bool core = header_bytes == kCoreHeaderBytes;
  if (!core && header_bytes < kInfoHeaderBytes) {
    return Damaged(ImageCodec::kBmp, StrCat("its header claims ", header_bytes, " bytes"));
  }
  if (header_bytes > file.size() - kFileHeaderBytes) return TooShort("header");

  uint32_t compression = kRgb;
  uint32_t colors_used = 0;
  if (core) {
    header.width = U16(file, 18);
    header.height = U16(file, 20);
    header.bits = static_cast<int>(U16(file, 24));
  } else {
    header.width = static_cast<int32_t>(U32(file, 18));
    header.height = static_cast<int32_t>(U32(file, 22));
    header.bits = static_cast<int>(U16(file, 28));
    compression = U32(file, 30);
    colors_used = U32(file, 46);
  }
  header.top_down = header.height < 0;  // in 64 bits, so that the lowest height can be negated
  if (header.top_down) header.height = -header.height;
  MULLION_RETURN_IF_ERROR(CheckBits(header.bits, compression));
  if (compression == kRle8) header.compression = BmpCompression::kRle8;
  if (compression == kRle4) header.compression = BmpCompression::kRle4;

  MULLION_ASSIGN_OR_RETURN(const size_t mask_bytes,
                           ReadMasks(file, header_bytes, compression, header));
  if (header.bits <= 8) {
    const size_t palette = kFileHeaderBytes + header_bytes + mask_bytes;
    MULLION_RETURN_IF_ERROR(ReadPalette(file, palette, core ? 3 : 4, colors_used, header));
  }
  if (header.pixel_offset > file.size()) return TooShort("header");
  return header;
}

}  // namespace mullion::codecs
