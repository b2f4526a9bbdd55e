// SPDX-License-Identifier: MIT
// The C interface of mullion_image.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/str_cat.h"
#include "codecs/decode.h"
#include "codecs/png_encode.h"
#include "mullion/c/image_codecs.h"

using mullion::OkStatus;
using mullion::Result;
using mullion::Status;
using mullion::StrCat;
using mullion::image::PixelFormat;

struct MullionDecodedImage {
  Status status;
  std::optional<mullion::image::Bitmap> bitmap;
};

struct MullionEncodedImage {
  Status status;
  std::vector<uint8_t> bytes;
};

namespace {

// Both ways between the numbers of the C interface and those of the library.
constexpr std::pair<MullionPixelFormat, PixelFormat> kFormats[] = {
    {MULLION_PIXEL_BGRA8, PixelFormat::kBgra8},
    {MULLION_PIXEL_RGBA8, PixelFormat::kRgba8},
    {MULLION_PIXEL_RGB8, PixelFormat::kRgb8},
    {MULLION_PIXEL_BGR8, PixelFormat::kBgr8},
    {MULLION_PIXEL_GRAY8, PixelFormat::kGray8}};

Result<PixelFormat> ToPixelFormat(MullionPixelFormat format) {
  for (const auto& [number, meaning] : kFormats) {
    if (number == format) return meaning;
  }
  return mullion::InvalidArgument(StrCat("pixel format ", static_cast<int>(format),
                                         " is not supported; use RGBA8, BGRA8, RGB8, BGR8 or "
                                         "GRAY8"));
}

// Runs `body` on a fresh object and keeps its status there. No exception passes.
template <typename Object>
Object* Make(mullion::FunctionRef<Status(Object&)> body) noexcept {
  std::unique_ptr<Object> object(new (std::nothrow) Object());
  if (object == nullptr) return nullptr;
  try {
    object->status = body(*object);
  } catch (const std::exception&) {
    return nullptr;  // std::bad_alloc and std::length_error: nothing else is thrown here
  }
  return object.release();
}

Status Decode(std::span<const uint8_t> bytes, MullionPixelFormat format,
              mullion::codecs::DecodeOptions options, MullionDecodedImage& image) {
  if (format != MULLION_PIXEL_UNKNOWN) {
    MULLION_ASSIGN_OR_RETURN(options.format, ToPixelFormat(format));
  }
  MULLION_ASSIGN_OR_RETURN(mullion::image::Bitmap bitmap,
                           mullion::codecs::DecodeImage(bytes, options));
  image.bitmap.emplace(std::move(bitmap));
  return OkStatus();
}

// Files larger than this are no pictures of 64 Mi pixels.
constexpr uintmax_t kMostBytes = uintmax_t{1} << 30;

Result<std::vector<uint8_t>> ReadFile(const std::filesystem::path& path, const char* name) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    return mullion::NotFound(StrCat("image file '", name, "' cannot be read: ", error.message()));
  }
  if (size > kMostBytes) {
    return mullion::InvalidArgument(
        StrCat("image file '", name, "' has ", size, " bytes; the most is ", kMostBytes));
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file.gcount() != static_cast<std::streamsize>(bytes.size())) {
    return mullion::NotFound(
        StrCat("image file '", name, "' cannot be read; check that it is there and permitted"));
  }
  return bytes;
}

}  // namespace

MullionDecodedImage* MullionImage_DecodeFile(const char* path, MullionPixelFormat format) {
  return Make<MullionDecodedImage>([&](MullionDecodedImage& image) -> Status {
    if (path == nullptr) return mullion::InvalidArgument("MullionImage_DecodeFile: 'path' is null");
    MULLION_ASSIGN_OR_RETURN(
        const std::vector<uint8_t> bytes,
        ReadFile(std::filesystem::path(reinterpret_cast<const char8_t*>(path)), path));
    return Decode(bytes, format, {}, image).WithPrefix(StrCat("image file '", path, "': "));
  });
}

MullionDecodedImage* MullionImage_DecodeBuffer(const void* bytes, size_t size,
                                               MullionPixelFormat format) {
  return Make<MullionDecodedImage>([&](MullionDecodedImage& image) {
    if (bytes == nullptr && size > 0) {
      return mullion::InvalidArgument("MullionImage_DecodeBuffer: 'bytes' is null");
    }
    return Decode({static_cast<const uint8_t*>(bytes), size}, format, {}, image);
  });
}

MullionStatusCode MullionImage_DecodeTo(const void* bytes, size_t size, MullionPixelFormat format,
                                        MullionTakePixels take, void* taker) {
  MullionDecodedImage* const image = Make<MullionDecodedImage>([&](MullionDecodedImage& made) {
    mullion::codecs::DecodeOptions options;
    options.apply_orientation = false;
    return Decode({static_cast<const uint8_t*>(bytes), size}, format, options, made);
  });
  const MullionStatusCode code = MullionDecodedImage_Code(image);
  take(taker, MullionDecodedImage_Width(image), MullionDecodedImage_Height(image),
       MullionDecodedImage_Pixels(image), MullionDecodedImage_Message(image));
  MullionDecodedImage_Release(image);
  return code;
}

void MullionDecodedImage_Release(MullionDecodedImage* image) { delete image; }

MullionStatusCode MullionDecodedImage_Code(const MullionDecodedImage* image) {
  return image == nullptr ? MULLION_OUT_OF_MEMORY
                          : static_cast<MullionStatusCode>(image->status.code());
}

const char* MullionDecodedImage_Message(const MullionDecodedImage* image) {
  return image == nullptr ? "" : image->status.message().c_str();
}

MullionPixelFormat MullionDecodedImage_Format(const MullionDecodedImage* image) {
  if (image == nullptr || !image->bitmap) return MULLION_PIXEL_UNKNOWN;
  for (const auto& [number, meaning] : kFormats) {
    if (meaning == image->bitmap->format()) return number;
  }
  return MULLION_PIXEL_UNKNOWN;
}

uint32_t MullionDecodedImage_Width(const MullionDecodedImage* image) {
  return image == nullptr || !image->bitmap ? 0 : static_cast<uint32_t>(image->bitmap->width());
}

uint32_t MullionDecodedImage_Height(const MullionDecodedImage* image) {
  return image == nullptr || !image->bitmap ? 0 : static_cast<uint32_t>(image->bitmap->height());
}

const void* MullionDecodedImage_Pixels(const MullionDecodedImage* image) {
  return image == nullptr || !image->bitmap ? nullptr : image->bitmap->view().pixels;
}

MullionEncodedImage* MullionImage_EncodePng(MullionPixelFormat format, uint32_t width,
                                            uint32_t height, const void* pixels,
                                            ptrdiff_t row_stride) {
  return Make<MullionEncodedImage>([&](MullionEncodedImage& image) -> Status {
    MULLION_ASSIGN_OR_RETURN(const PixelFormat pixel_format, ToPixelFormat(format));
    const ptrdiff_t packed =
        static_cast<ptrdiff_t>(width) * mullion::image::BytesPerPixel(pixel_format);
    MULLION_ASSIGN_OR_RETURN(image.bytes,
                             mullion::codecs::EncodePng({pixel_format, width, height,
                                                         row_stride == 0 ? packed : row_stride,
                                                         static_cast<const uint8_t*>(pixels)}));
    return OkStatus();
  });
}

void MullionEncodedImage_Release(MullionEncodedImage* image) { delete image; }

MullionStatusCode MullionEncodedImage_Code(const MullionEncodedImage* image) {
  return image == nullptr ? MULLION_OUT_OF_MEMORY
                          : static_cast<MullionStatusCode>(image->status.code());
}

const char* MullionEncodedImage_Message(const MullionEncodedImage* image) {
  return image == nullptr ? "" : image->status.message().c_str();
}

const void* MullionEncodedImage_Bytes(const MullionEncodedImage* image) {
  return image == nullptr ? nullptr : image->bytes.data();
}

size_t MullionEncodedImage_Size(const MullionEncodedImage* image) {
  return image == nullptr ? 0 : image->bytes.size();
}
