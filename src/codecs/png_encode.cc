// SPDX-License-Identifier: MIT
// About setjmp see png_decode.cc.
#include "codecs/png_encode.h"

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <utility>

#include "base/str_cat.h"

namespace mullion::codecs {

namespace {

using image::PixelFormat;

class PngWriter {
 public:
  PngWriter() = default;
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  // False after an error, which message() tells.
  bool Write(const image::ImageView& image);
  const char* message() const { return message_; }
  std::vector<uint8_t> TakeFile() { return std::move(file_); }

 private:
  [[noreturn]] static void OnError(png_structp png, png_const_charp message);
  static void OnWarning(png_structp /*png*/, png_const_charp /*message*/) {}
  static void OnWrite(png_structp png, png_bytep data, png_size_t bytes);
  static void OnFlush(png_structp /*png*/) {}

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  jmp_buf jump_;
  char message_[128] = "out of memory";  // until libpng says something else
  std::vector<uint8_t> file_;
};

void PngWriter::OnError(png_structp png, png_const_charp message) {
  auto* writer = static_cast<PngWriter*>(png_get_error_ptr(png));
  std::snprintf(writer->message_, sizeof(writer->message_), "%s", message);
  std::longjmp(writer->jump_, 1);
}

void PngWriter::OnWrite(png_structp png, png_bytep data, png_size_t bytes) {
  std::vector<uint8_t>& file = static_cast<PngWriter*>(png_get_io_ptr(png))->file_;
  file.insert(file.end(), data, data + bytes);
}

int ColorType(PixelFormat format) {
  if (format == PixelFormat::kGray8) return PNG_COLOR_TYPE_GRAY;
  return image::LayoutOf(format).alpha >= 0 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB;
}

bool PngWriter::Write(const image::ImageView& image) {
  if (setjmp(jump_) != 0) return false;
  png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
  if (png_ == nullptr) return false;
  info_ = png_create_info_struct(png_);
  if (info_ == nullptr) return false;
  png_set_write_fn(png_, this, OnWrite, OnFlush);
  png_set_user_limits(png_, image::kMaxImageSide, image::kMaxImageSide);
  png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, ColorType(image.format),
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png_, info_);
  const image::PixelLayout layout = image::LayoutOf(image.format);
  if (layout.blue < layout.red) png_set_bgr(png_);
  for (int64_t y = 0; y < image.height; ++y) png_write_row(png_, image.row(y));
  png_write_end(png_, info_);
  return true;
}

}  // namespace

Result<std::vector<uint8_t>> EncodePng(const image::ImageView& image) {
  MULLION_RETURN_IF_ERROR(image::CheckImage("the image to encode", image));
  PngWriter writer;
  // Sizes and formats were checked, so memory is all that libpng can still lack.
  if (!writer.Write(image)) {
    return OutOfMemory(StrCat("cannot encode the PNG image: ", writer.message()));
  }
  return writer.TakeFile();
}

}  // namespace mullion::codecs
