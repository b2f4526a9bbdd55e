// SPDX-License-Identifier: MIT
// The portable bitmaps, graymaps and pixmaps of Netpbm: P1 to P6.
#include <algorithm>

#include "base/str_cat.h"
#include "codecs/codec.h"

namespace mullion::codecs {

namespace {

using image::PixelFormat;

Status Wrong(std::string_view why) { return Damaged(ImageCodec::kPnm, why); }

bool IsSpace(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Walks through numbers in text, white space and comments between them.
class TextReader {
 public:
  explicit TextReader(std::span<const uint8_t> rest) : rest_(rest) {}

  Result<int64_t> Number() {
    SkipSpace();
    if (rest_.empty() || !IsDigit(rest_[0])) return Wrong("a number is missing");
    int64_t number = 0;
    for (; !rest_.empty() && IsDigit(rest_[0]); rest_ = rest_.subspan(1)) {
      number = std::min<int64_t>(number * 10 + (rest_[0] - '0'), int64_t{1} << 40);
    }
    return number;
  }
  // A bit of a P1 picture: they need no space between them.
  Result<int64_t> Bit() {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '0' && rest_[0] != '1')) return Wrong("a bit is missing");
    const int64_t bit = rest_[0] - '0';
    rest_ = rest_.subspan(1);
    return bit;
  }
  // What follows the one white space behind the header.
  Result<std::span<const uint8_t>> Pixels() const {
    if (rest_.empty() || !IsSpace(rest_[0])) return Wrong("its header does not end");
    return rest_.subspan(1);
  }

 private:
  static bool IsDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
  void SkipSpace() {
    bool comment = false;
    while (!rest_.empty() && (comment || IsSpace(rest_[0]) || rest_[0] == '#')) {
      if (rest_[0] == '#') comment = true;
      if (rest_[0] == '\n' || rest_[0] == '\r') comment = false;
      rest_ = rest_.subspan(1);
    }
  }

  std::span<const uint8_t> rest_;
};

struct Header {
  char kind;  // '1' to '6'
  int64_t width;
  int64_t height;
  int64_t most = 1;  // the greatest sample
  int channels;
};

uint8_t Scaled(int64_t sample, int64_t most) {
  return static_cast<uint8_t>((sample * 255 + most / 2) / most);
}

// In a bitmap 1 is black.
Status ReadBits(const Header& header, std::span<const uint8_t> pixels, image::Bitmap& bitmap) {
  const int64_t row_bytes = (header.width + 7) / 8;
  if (static_cast<int64_t>(pixels.size()) < row_bytes * header.height) {
    return Wrong("it ends within its pixels");
  }
  for (int64_t y = 0; y < header.height; ++y) {
    const uint8_t* const row = pixels.data() + y * row_bytes;
    for (int64_t x = 0; x < header.width; ++x) {
      bitmap.mutable_view().row(y)[x] = (row[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
  }
  return OkStatus();
}

Status ReadSamples(const Header& header, std::span<const uint8_t> pixels, image::Bitmap& bitmap) {
  const int64_t bytes = header.most > 255 ? 2 : 1;
  const int64_t row_samples = header.width * header.channels;
  if (static_cast<int64_t>(pixels.size()) < row_samples * header.height * bytes) {
    return Wrong("it ends within its pixels");
  }
  const uint8_t* from = pixels.data();
  for (int64_t y = 0; y < header.height; ++y) {
    uint8_t* const to = bitmap.mutable_view().row(y);
    for (int64_t i = 0; i < row_samples; ++i, from += bytes) {
      const int64_t sample = bytes == 1 ? from[0] : from[0] << 8 | from[1];
      if (sample > header.most) return Wrong("a sample is greater than its header allows");
      to[i] = Scaled(sample, header.most);
    }
  }
  return OkStatus();
}

Status ReadText(const Header& header, TextReader& reader, image::Bitmap& bitmap) {
  for (int64_t y = 0; y < header.height; ++y) {
    for (int64_t i = 0; i < header.width * header.channels; ++i) {
      MULLION_ASSIGN_OR_RETURN(int64_t sample, header.kind == '1' ? reader.Bit() : reader.Number());
      if (sample > header.most) return Wrong("a sample is greater than its header allows");
      if (header.kind == '1') sample = 1 - sample;
      bitmap.mutable_view().row(y)[i] = Scaled(sample, header.most);
    }
  }
  return OkStatus();
}

}  // namespace

Result<image::Bitmap> DecodePnm(std::span<const uint8_t> file, const DecodeOptions& options) {
  TextReader reader(file.subspan(2));
  Header header = {};
  header.kind = static_cast<char>(file[1]);
  header.channels = header.kind == '3' || header.kind == '6' ? 3 : 1;
  MULLION_ASSIGN_OR_RETURN(header.width, reader.Number());
  MULLION_ASSIGN_OR_RETURN(header.height, reader.Number());
  header.most = 1;
  const bool bits = header.kind == '1' || header.kind == '4';
  if (!bits) {
    MULLION_ASSIGN_OR_RETURN(header.most, reader.Number());
    if (header.most < 1 || header.most > 65535) {
      return Wrong(StrCat("its greatest sample is ", header.most, ", outside 1 to 65535"));
    }
  }
  MULLION_ASSIGN_OR_RETURN(
      image::Bitmap bitmap,
      AllocatePicture(ImageCodec::kPnm, header.width, header.height,
                      header.channels == 3 ? PixelFormat::kRgb8 : PixelFormat::kGray8, options));
  if (header.kind <= '3') {
    MULLION_RETURN_IF_ERROR(ReadText(header, reader, bitmap));
  } else {
    MULLION_ASSIGN_OR_RETURN(const std::span<const uint8_t> pixels, reader.Pixels());
    MULLION_RETURN_IF_ERROR(bits ? ReadBits(header, pixels, bitmap)
                                 : ReadSamples(header, pixels, bitmap));
  }
  return bitmap;
}

}  // namespace mullion::codecs
