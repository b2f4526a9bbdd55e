// SPDX-License-Identifier: MIT
// libpng reports errors by a callback that must not return, so every call into it is made from a
// member function that has called setjmp and holds nothing that needs a destructor. What must be
// freed belongs to the reader object, which lives outside those functions.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "codecs/codec.h"

namespace mullion::codecs {

namespace {

using image::PixelFormat;

class PngReader {
 public:
  explicit PngReader(std::span<const uint8_t> file) : rest_(file) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  // Each is false after an error, which message() tells.
  bool ReadHeader();
  bool ReadPixels(const image::MutableImageView& target);

  const char* message() const { return message_; }
  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  // The format nearest to the file's own.
  PixelFormat format() const;

 private:
  [[noreturn]] static void OnError(png_structp png, png_const_charp message);
  static void OnWarning(png_structp /*png*/, png_const_charp /*message*/) {}
  static void OnRead(png_structp png, png_bytep data, png_size_t bytes);
  void SetTransforms(PixelFormat target);

  bool has_alpha() const {
    return (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) != 0 ||
           png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
  }
  bool gray() const { return (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) == 0; }

  std::span<const uint8_t> rest_;  // not read yet
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  jmp_buf jump_;
  char message_[128] = "out of memory";  // until libpng says something else
};

void PngReader::OnError(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
  std::longjmp(reader->jump_, 1);
}

void PngReader::OnRead(png_structp png, png_bytep data, png_size_t bytes) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (bytes > reader->rest_.size()) png_error(png, "it ends too early");
  std::memcpy(data, reader->rest_.data(), bytes);
  reader->rest_ = reader->rest_.subspan(bytes);
}

bool PngReader::ReadHeader() {
  if (setjmp(jump_) != 0) return false;
  png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
  if (png_ == nullptr) return false;
  info_ = png_create_info_struct(png_);
  if (info_ == nullptr) return false;
  png_set_read_fn(png_, this, OnRead);
  png_set_user_limits(png_, image::kMaxImageSide, image::kMaxImageSide);
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
  // Texts, profiles and the like are stepped over, not inflated. Transparency is not among them.
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
#endif
  png_read_info(png_, info_);
  return true;
}

PixelFormat PngReader::format() const {
  if (has_alpha()) return PixelFormat::kRgba8;
  return gray() ? PixelFormat::kGray8 : PixelFormat::kRgb8;
}

// Everything becomes 8 bits a channel in the order of `target`.
void PngReader::SetTransforms(PixelFormat target) {
  const image::PixelLayout to = image::LayoutOf(target);
  png_set_expand(
      png_);  // palettes to colours, fewer bits than 8 to 8, transparent colours to alpha
  png_set_scale_16(png_);
  if (target != PixelFormat::kGray8 && gray()) png_set_gray_to_rgb(png_);
  if (to.blue < to.red) png_set_bgr(png_);
  if (to.alpha >= 0 && !has_alpha()) png_set_add_alpha(png_, 255, PNG_FILLER_AFTER);
  if (to.alpha < 0 && has_alpha()) png_set_strip_alpha(png_);
}

bool PngReader::ReadPixels(const image::MutableImageView& target) {
  if (setjmp(jump_) != 0) return false;
  SetTransforms(target.format);
  const int passes = png_set_interlace_handling(png_);
  png_read_update_info(png_, info_);
  // libpng's own account of the row must be ours before it writes one.
  if (png_get_rowbytes(png_, info_) !=
      static_cast<size_t>(target.width * image::BytesPerPixel(target.format))) {
    png_error(png_, "its pixel layout is not understood");
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (int64_t y = 0; y < target.height; ++y) png_read_row(png_, target.row(y), nullptr);
  }
  png_read_end(png_, nullptr);  // checks the rest, so that a file cut off is noticed
  return true;
}

}  // namespace

Result<image::Bitmap> DecodePng(std::span<const uint8_t> file, const DecodeOptions& options) {
  PngReader reader(file);
  if (!reader.ReadHeader()) return Damaged(ImageCodec::kPng, reader.message());
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap,
                           AllocatePicture(ImageCodec::kPng, reader.width(), reader.height(),
                                           OutputFormat(options.format, reader.format()), options));
  if (!reader.ReadPixels(bitmap.mutable_view())) {
    return Damaged(ImageCodec::kPng, reader.message());
  }
  return bitmap;
}

}  // namespace mullion::codecs
