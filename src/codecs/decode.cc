// SPDX-License-Identifier: MIT
#include "codecs/decode.h"

#include <utility>

#include "base/str_cat.h"
#include "codecs/codec.h"
#include "image/convert.h"

namespace mullion::codecs {

namespace {

struct Signature {
  size_t offset;
  std::string_view bytes;
};

bool Matches(std::span<const uint8_t> file, const Signature& signature) {
  const auto [offset, bytes] = signature;
  if (file.size() < offset + bytes.size()) return false;
  const auto* text = reinterpret_cast<const char*>(file.data());
  return std::string_view(text + offset, bytes.size()) == bytes;
}

// "P1" to "P6" and white space or a comment.
bool LooksLikePnm(std::span<const uint8_t> file) {
  if (file.size() < 3 || file[0] != 'P' || file[1] < '1' || file[1] > '6') return false;
  return std::string_view(" \t\n\v\f\r#").find(static_cast<char>(file[2])) !=
         std::string_view::npos;
}

// Kinds of picture that people have and that are not read here, so that the message can name them.
struct OtherKind {
  Signature signature;
  const char* name;
};
constexpr OtherKind kOtherKinds[] = {
    {{0, "GIF8"}, "GIF"},
    {{4, "ftypavif"}, "AVIF"},
    {{4, "ftypheic"}, "HEIC"},
    {{4, "ftypmif1"}, "HEIF"},
    {{0, {"\xff\x0a", 2}}, "JPEG XL"},
    {{0, {"\0\0\0\x0cJXL ", 8}}, "JPEG XL"},
};

Status UnknownKind(std::span<const uint8_t> file) {
  if (file.empty()) return InvalidArgument("cannot decode the image: the file is empty");
  for (const OtherKind& kind : kOtherKinds) {
    if (!Matches(file, kind.signature)) continue;
    return Unsupported(StrCat("cannot decode the image: ", kind.name,
                              " is not supported; convert it to JPEG, PNG, WebP or BMP"));
  }
  return InvalidArgument(
      "cannot decode the image: its first bytes are not those of a JPEG, PNG, WebP, BMP, PNM, TIFF "
      "or JPEG 2000 file");
}

Result<image::Bitmap> DecodeAs(ImageCodec codec, std::span<const uint8_t> file,
                               const DecodeOptions& options) {
  switch (codec) {
    case ImageCodec::kJpeg:
      return DecodeJpeg(file, options);
    case ImageCodec::kPng:
      return DecodePng(file, options);
    case ImageCodec::kWebp:
      return DecodeWebp(file, options);
    case ImageCodec::kBmp:
      return DecodeBmp(file, options);
    case ImageCodec::kPnm:
      return DecodePnm(file, options);
    case ImageCodec::kTiff:
      return DecodeTiff(file, options);
    case ImageCodec::kJpeg2000:
      return DecodeJpeg2000(file, options);
    case ImageCodec::kUnknown:
      break;
  }
  return UnknownKind(file);
}

}  // namespace

std::string_view ImageCodecName(ImageCodec codec) {
  switch (codec) {
    case ImageCodec::kJpeg:
      return "JPEG";
    case ImageCodec::kPng:
      return "PNG";
    case ImageCodec::kWebp:
      return "WebP";
    case ImageCodec::kBmp:
      return "BMP";
    case ImageCodec::kPnm:
      return "PNM";
    case ImageCodec::kTiff:
      return "TIFF";
    case ImageCodec::kJpeg2000:
      return "JPEG 2000";
    case ImageCodec::kUnknown:
      break;
  }
  return "unknown";
}

ImageCodec DetectCodec(std::span<const uint8_t> file) {
  constexpr std::pair<Signature, ImageCodec> kSignatures[] = {
      {{0, "\xff\xd8\xff"}, ImageCodec::kJpeg},
      {{0, "\x89PNG\r\n\x1a\n"}, ImageCodec::kPng},
      {{8, "WEBP"}, ImageCodec::kWebp},
      {{0, "BM"}, ImageCodec::kBmp},
      {{0, {"II*\0", 4}}, ImageCodec::kTiff},
      {{0, {"MM\0*", 4}}, ImageCodec::kTiff},
      {{0, {"II+\0", 4}}, ImageCodec::kTiff},  // BigTIFF
      {{0, {"MM\0+", 4}}, ImageCodec::kTiff},
      {{0, {"\0\0\0\x0cjP  \r\n\x87\n", 12}}, ImageCodec::kJpeg2000},
      {{0, "\xff\x4f\xff\x51"}, ImageCodec::kJpeg2000},  // a bare codestream
  };
  for (const auto& [signature, codec] : kSignatures) {
    if (!Matches(file, signature)) continue;
    if (codec == ImageCodec::kWebp && !Matches(file, {0, "RIFF"})) continue;
    return codec;
  }
  return LooksLikePnm(file) ? ImageCodec::kPnm : ImageCodec::kUnknown;
}

Result<image::Bitmap> DecodeImage(std::span<const uint8_t> file, const DecodeOptions& options) {
  if (options.format && image::BytesPerPixel(*options.format) == 0) {
    return InvalidArgument(StrCat("cannot decode an image into the unknown pixel format ",
                                  static_cast<int>(*options.format)));
  }
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap, DecodeAs(DetectCodec(file), file, options));
  if (!options.format || bitmap.format() == *options.format) return bitmap;
  MULLION_ASSIGN_OR_RETURN(
      image::Bitmap converted,
      image::Bitmap::Allocate(*options.format, bitmap.width(), bitmap.height()));
  MULLION_RETURN_IF_ERROR(image::Convert(bitmap.view(), converted.mutable_view()));
  return converted;
}

}  // namespace mullion::codecs
