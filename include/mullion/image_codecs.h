// SPDX-License-Identifier: MIT
// Image files, by the component library mullion_image (CMake: Mullion::image).
#ifndef MULLION_IMAGE_CODECS_H_
#define MULLION_IMAGE_CODECS_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mullion/c/image_codecs.h"
#include "mullion/image_feature_value.h"
#include "mullion/software_bitmap.h"

namespace mullion {

namespace detail {

inline SoftwareBitmap TakeDecoded(MullionDecodedImage* decoded) {
  const std::unique_ptr<MullionDecodedImage, void (*)(MullionDecodedImage*)> image(
      decoded, MullionDecodedImage_Release);
  if (const MullionStatusCode code = MullionDecodedImage_Code(decoded); code != MULLION_OK) {
    throw Error(static_cast<ErrorCode>(code), MullionDecodedImage_Message(decoded));
  }
  const auto format = static_cast<BitmapPixelFormat>(MullionDecodedImage_Format(decoded));
  const uint32_t width = MullionDecodedImage_Width(decoded);
  const uint32_t height = MullionDecodedImage_Height(decoded);
  return SoftwareBitmap::CreateFromPixels(
      format, width, height,
      {static_cast<const uint8_t*>(MullionDecodedImage_Pixels(decoded)),
       size_t{width} * height * SoftwareBitmap::BytesPerPixel(format)});
}

}  // namespace detail

// JPEG, PNG, WebP, BMP, PNM, TIFF or JPEG 2000; the first bytes tell which. A format of Unknown
// takes the nearest to the file's own. ErrorCode::NotFound for a file that cannot be read,
// ErrorCode::InvalidArgument for one that is damaged, of another kind, or larger than 64 Mi pixels,
// ErrorCode::Unsupported.
inline SoftwareBitmap SoftwareBitmap::LoadFromFile(const std::filesystem::path& path,
                                                   mullion::BitmapPixelFormat format) {
  const std::u8string name = path.u8string();
  return detail::TakeDecoded(MullionImage_DecodeFile(reinterpret_cast<const char*>(name.c_str()),
                                                     static_cast<MullionPixelFormat>(format)));
}

// Lets models run the operator ImageDecoder: call it once, before sessions are made.
inline void EnableImageDecoder() { MullionImageDecoder_Set(MullionImage_DecodeTo); }

// The same for a file that is in memory.
inline SoftwareBitmap DecodeImage(std::span<const uint8_t> file,
                                  BitmapPixelFormat format = BitmapPixelFormat::Bgra8) {
  return detail::TakeDecoded(
      MullionImage_DecodeBuffer(file.data(), file.size(), static_cast<MullionPixelFormat>(format)));
}

inline VideoFrame VideoFrame::CreateFromFile(const std::filesystem::path& path) {
  return CreateWithSoftwareBitmap(mullion::SoftwareBitmap::LoadFromFile(path));
}

// The bytes of a PNG file with 8 bits a channel. ErrorCode::OutOfMemory.
inline std::vector<uint8_t> EncodePng(const SoftwareBitmap& bitmap) {
  MullionEncodedImage* const encoded =
      MullionImage_EncodePng(static_cast<MullionPixelFormat>(bitmap.BitmapPixelFormat()),
                             bitmap.PixelWidth(), bitmap.PixelHeight(), bitmap.Pixels().data(), 0);
  const std::unique_ptr<MullionEncodedImage, void (*)(MullionEncodedImage*)> file(
      encoded, MullionEncodedImage_Release);
  if (const MullionStatusCode code = MullionEncodedImage_Code(encoded); code != MULLION_OK) {
    throw Error(static_cast<ErrorCode>(code), MullionEncodedImage_Message(encoded));
  }
  const auto* const bytes = static_cast<const uint8_t*>(MullionEncodedImage_Bytes(encoded));
  return {bytes, bytes + MullionEncodedImage_Size(encoded)};
}

}  // namespace mullion

#endif  // MULLION_IMAGE_CODECS_H_
