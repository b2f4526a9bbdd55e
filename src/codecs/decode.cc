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

// Kinds of picture that people have and that are not read here, so that the message can name them.
struct OtherKind {
  Signature signature;
  const char* name;
};
constexpr OtherKind kOtherKinds[] = {
    {{0, "GIF8"}, "GIF"},
    {{0, {"II*\0", 4}}, "TIFF"},
    {{0, {"MM\0*", 4}}, "TIFF"},
    {{4, "ftypavif"}, "AVIF"},
    {{4, "ftypheic"}, "HEIC"},
    {{4, "ftypmif1"}, "HEIF"},
    {{0, {"\xff\x0a", 2}}, "JPEG XL"},
    {{0, {"\0\0\0\x0cJXL ", 8}}, "JPEG XL"},
    {{0, {"\0\0\0\x0cjP  ", 8}}, "JPEG 2000"},
};

Status UnknownKind(std::span<const uint8_t> file) {
  if (file.empty()) return InvalidArgument("cannot decode the image: the file is empty");
  for (const OtherKind& kind : kOtherKinds) {
    if (!Matches(file, kind.signature)) continue;
    return Unsupported(StrCat("cannot decode the image: ", kind.name,
                              " is not supported; convert it to JPEG, PNG, WebP or BMP"));
  }
  return InvalidArgument(
      "cannot decode the image: its first bytes are not those of a JPEG, PNG, WebP or BMP file");
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
    case ImageCodec::kUnknown:
      break;
  }
  return "unknown";
}

ImageCodec DetectCodec(std::span<const uint8_t> file) {
  if (Matches(file, {0, "\xff\xd8\xff"})) return ImageCodec::kJpeg;
  if (Matches(file, {0, "\x89PNG\r\n\x1a\n"})) return ImageCodec::kPng;
  if (Matches(file, {0, "RIFF"}) && Matches(file, {8, "WEBP"})) return ImageCodec::kWebp;
  if (Matches(file, {0, "BM"})) return ImageCodec::kBmp;
  return ImageCodec::kUnknown;
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
