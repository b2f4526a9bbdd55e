// SPDX-License-Identifier: MIT
// TIFF, by libtiff: the first picture of a file.
#include "base/str_cat.h"
#include "codecs/codec.h"

#if defined(MULLION_WITH_TIFF)

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace mullion::codecs {

namespace {

using image::PixelFormat;

// A file in memory, as libtiff's callbacks see it, and the first thing that libtiff said of it.
struct Source {
  std::span<const uint8_t> file;
  uint64_t position = 0;
  std::string error;
};

Source& SourceOf(thandle_t handle) { return *static_cast<Source*>(handle); }

tmsize_t Read(thandle_t handle, void* to, tmsize_t size) {
  Source& source = SourceOf(handle);
  const uint64_t rest =
      source.file.size() - std::min<uint64_t>(source.position, source.file.size());
  const auto count = static_cast<size_t>(
      std::min<uint64_t>(rest, static_cast<uint64_t>(std::max<tmsize_t>(size, 0))));
  if (count > 0) std::memcpy(to, source.file.data() + source.position, count);
  source.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t Write(thandle_t, void*, tmsize_t) { return 0; }
int Close(thandle_t) { return 0; }
toff_t Size(thandle_t handle) { return SourceOf(handle).file.size(); }

toff_t Seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = SourceOf(handle);
  const uint64_t base = whence == SEEK_CUR   ? source.position
                        : whence == SEEK_END ? source.file.size()
                                             : 0;
  source.position = base + offset;
  return source.position;
}

int TakeError(TIFF*, void* data, const char* module, const char* format, va_list values) {
  auto& source = *static_cast<Source*>(data);
  if (!source.error.empty()) return 1;
  char text[256];
  std::vsnprintf(text, sizeof(text), format, values);
  source.error = module == nullptr ? std::string(text) : StrCat(module, ": ", text);
  return 1;
}

int IgnoreWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct Closer {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffFile = std::unique_ptr<TIFF, Closer>;

TiffFile Open(Source& source) {
  // No strip or tile of a picture within the limits needs more at once.
  constexpr tmsize_t kMostAtOnce = tmsize_t{1} << 30;
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostAtOnce);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), TakeError, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), IgnoreWarning, nullptr);
  return TiffFile(TIFFClientOpenExt("file", "rm", &source, Read, Write, Seek, Close, Size, nullptr,
                                    nullptr, options.get()));
}

Status Failure(const Source& source) {
  return Damaged(ImageCodec::kTiff,
                 source.error.empty() ? "libtiff gives no reason" : source.error);
}

enum class Alpha { kNone, kStraight, kMultiplied };

// libtiff multiplies straight alpha into the colours; told that this is done already, it leaves
// them as they are.
Alpha TakeOverAlpha(TIFF* tiff) {
  uint16_t count = 0;
  uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  if (count == 0 || kinds == nullptr) return Alpha::kNone;
  if (kinds[0] == EXTRASAMPLE_ASSOCALPHA) return Alpha::kMultiplied;
  if (kinds[0] != EXTRASAMPLE_UNASSALPHA) return Alpha::kNone;
  const uint16_t multiplied = EXTRASAMPLE_ASSOCALPHA;
  TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &multiplied);
  return Alpha::kStraight;
}

bool IsGray(TIFF* tiff) {
  uint16_t photometric = PHOTOMETRIC_RGB;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  return photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
}

uint8_t Divided(uint32_t color, uint32_t alpha) {
  return static_cast<uint8_t>(std::min<uint32_t>((color * 255 + alpha / 2) / alpha, 255));
}

}  // namespace

Result<image::Bitmap> DecodeTiff(std::span<const uint8_t> file, const DecodeOptions& options) {
  Source source = {file, 0, {}};
  const TiffFile tiff = Open(source);
  if (tiff == nullptr) return Failure(source);
  uint32_t width = 0;
  uint32_t height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  // Held against the limit before libtiff takes memory.
  MULLION_ASSIGN_OR_RETURN(image::Bitmap pixels, AllocatePicture(ImageCodec::kTiff, width, height,
                                                                 PixelFormat::kRgba8, options));
  char reason[1024] = "";
  if (TIFFRGBAImageOK(tiff.get(), reason) == 0) {
    return Unsupported(StrCat("cannot decode the TIFF image: ", reason));
  }
  const Alpha alpha = TakeOverAlpha(tiff.get());
  const bool gray = IsGray(tiff.get());
  // Whole words, 0xAABBGGRR each, the memory of which is that of the bitmap.
  auto* const words = reinterpret_cast<uint32_t*>(pixels.mutable_view().pixels);
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, words, ORIENTATION_TOPLEFT, 1) == 0 ||
      !source.error.empty()) {
    return Failure(source);
  }

  const PixelFormat format = alpha != Alpha::kNone ? PixelFormat::kRgba8
                             : gray                ? PixelFormat::kGray8
                                                   : PixelFormat::kRgb8;
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap, image::Bitmap::Allocate(format, width, height));
  uint8_t* to = bitmap.mutable_view().pixels;
  const int bytes = image::BytesPerPixel(format);
  for (int64_t i = 0; i < int64_t{width} * height; ++i, to += bytes) {
    const uint32_t word = words[i];
    const uint32_t opacity = TIFFGetA(word);
    const uint8_t color[] = {static_cast<uint8_t>(TIFFGetR(word)),
                             static_cast<uint8_t>(TIFFGetG(word)),
                             static_cast<uint8_t>(TIFFGetB(word)), static_cast<uint8_t>(opacity)};
    std::copy_n(color, bytes, to);
    if (alpha != Alpha::kMultiplied || opacity == 0) continue;
    for (int c = 0; c < 3; ++c) to[c] = Divided(color[c], opacity);
  }
  return bitmap;
}

}  // namespace mullion::codecs

#else

namespace mullion::codecs {

Result<image::Bitmap> DecodeTiff(std::span<const uint8_t> /*file*/,
                                 const DecodeOptions& /*options*/) {
  return Unsupported(
      "cannot decode the TIFF image: this build has no libtiff; convert it to JPEG, PNG, WebP or "
      "BMP");
}

}  // namespace mullion::codecs

#endif
