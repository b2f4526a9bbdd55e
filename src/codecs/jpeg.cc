// SPDX-License-Identifier: MIT
// libjpeg-turbo reports errors by a callback that must not return, so every call into it is made
// from a member function that has called setjmp and holds nothing that needs a destructor. What
// must be freed belongs to the reader object, which lives outside those functions.
#include <csetjmp>
#include <cstdio>
#include <utility>
#include <vector>

// jpeglib.h wants cstdio before it, and jerror.h wants jpeglib.h, on which its numbers depend.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "base/str_cat.h"
#include "codecs/codec.h"
#include "codecs/exif_orientation.h"
#include "image/convert.h"

#if !defined(JCS_EXTENSIONS) || !defined(JCS_ALPHA_EXTENSIONS)
#error "libjpeg-turbo is needed: other libjpegs cannot write BGRA"
#endif

namespace mullion::codecs {

namespace {

using image::PixelFormat;

// A progressive file can ask for any number of passes over the whole picture. Encoders make about
// ten; this stops files that are built to keep a processor busy.
constexpr int kMaxScans = 100;

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr std::string_view kExifHeader{"Exif\0\0", 6};

class JpegReader {
 public:
  explicit JpegReader(std::span<const uint8_t> file) : file_(file) {}
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  // Does nothing when the header was never begun: `info_` is all zero then.
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  // Each is false after an error, which Failure() tells.
  bool ReadHeader();
  bool ReadPixels(const image::MutableImageView& target);

  Status Failure() const;
  int64_t width() const { return info_.image_width; }
  int64_t height() const { return info_.image_height; }
  bool gray() const { return info_.jpeg_color_space == JCS_GRAYSCALE; }
  Orientation orientation() const;

 private:
  struct Errors {
    jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
  };

  [[noreturn]] static void Fail(j_common_ptr info);
  static void OnWarning(j_common_ptr info, int level);
  static void OnProgress(j_common_ptr info);
  bool four_inks() const {
    return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
  }
  void InksToRgb(uint8_t* rgb) const;

  std::span<const uint8_t> file_;
  jpeg_decompress_struct info_{};
  Errors errors_{};
  jpeg_progress_mgr progress_{};
  std::vector<uint8_t> inks_;  // a row of CMYK
  std::vector<uint8_t> rgb_;   // the same row as RGB
};

void JpegReader::Fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

// libjpeg fills in gray where data is missing and goes on with a warning. Those warnings that mean
// wrong pixels end the decoding; the others (odd but harmless headers) are passed over.
void JpegReader::OnWarning(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
#if defined(C_ARITH_CODING_SUPPORTED) || defined(D_ARITH_CODING_SUPPORTED)
    case JWRN_ARITH_BAD_CODE:
#endif
    case JWRN_MUST_RESYNC:
      Fail(info);
    default:
      return;
  }
}

void JpegReader::OnProgress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<Errors*>(info->err);
  errors->base.msg_code = 0;
  std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
  std::longjmp(errors->jump, 1);
}

Status JpegReader::Failure() const {
  switch (errors_.base.msg_code) {
    case JERR_OUT_OF_MEMORY:
      return OutOfMemory("cannot decode the JPEG image: out of memory");
    case JERR_BAD_PRECISION:    // 12 bits a channel
    case JERR_SOF_UNSUPPORTED:  // lossless, hierarchical
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
      return Unsupported(StrCat("cannot decode the JPEG image: ", errors_.message,
                                "; convert it to an ordinary JPEG or PNG"));
    default:
      return Damaged(ImageCodec::kJpeg, errors_.message);
  }
}

bool JpegReader::ReadHeader() {
  info_.err = jpeg_std_error(&errors_.base);
  errors_.base.error_exit = Fail;
  errors_.base.emit_message = OnWarning;
  progress_.progress_monitor = OnProgress;
  if (setjmp(errors_.jump) != 0) return false;
  jpeg_create_decompress(&info_);
  info_.progress = &progress_;
  jpeg_mem_src(&info_, file_.data(), static_cast<unsigned long>(file_.size()));
  jpeg_save_markers(&info_, kExifMarker, 0xffff);
  jpeg_read_header(&info_, TRUE);
  return true;
}

J_COLOR_SPACE OutputSpace(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgra8:
      return JCS_EXT_BGRA;
    case PixelFormat::kRgba8:
      return JCS_EXT_RGBA;
    case PixelFormat::kBgr8:
      return JCS_EXT_BGR;
    case PixelFormat::kGray8:
      return JCS_GRAYSCALE;
    case PixelFormat::kRgb8:
      break;
  }
  return JCS_EXT_RGB;
}

bool JpegReader::ReadPixels(const image::MutableImageView& target) {
  const image::RowConverter from_rgb = image::ConverterFor(PixelFormat::kRgb8, target.format);
  if (four_inks()) {  // sized before setjmp: an error jumps over nothing that allocates
    inks_.resize(static_cast<size_t>(target.width * 4));
    rgb_.resize(static_cast<size_t>(target.width * 3));
  }
  if (setjmp(errors_.jump) != 0) return false;
  info_.out_color_space = four_inks() ? JCS_CMYK : OutputSpace(target.format);
  jpeg_start_decompress(&info_);
  while (info_.output_scanline < info_.output_height) {
    uint8_t* const row = target.row(info_.output_scanline);
    JSAMPROW decoded = four_inks() ? inks_.data() : row;
    jpeg_read_scanlines(&info_, &decoded, 1);
    if (!four_inks()) continue;
    InksToRgb(rgb_.data());
    from_rgb(rgb_.data(), row, target.width);
  }
  jpeg_finish_decompress(&info_);  // reads to the end marker, so that a file cut off is noticed
  return true;
}

// Without a profile, light is what all inks let through: R = (1 - C)(1 - K). Files with an Adobe
// marker hold the inks inverted, so there the bytes are 1 - C already.
void JpegReader::InksToRgb(uint8_t* rgb) const {
  const int flip = info_.saw_Adobe_marker ? 0 : 255;
  for (size_t i = 0; i < inks_.size(); i += 4) {
    const int black = inks_[i + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c) {
      *rgb++ = static_cast<uint8_t>(((inks_[i + c] ^ flip) * black + 127) / 255);
    }
  }
}

Orientation JpegReader::orientation() const {
  for (const jpeg_marker_struct* marker = info_.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (marker->marker != kExifMarker || data.substr(0, kExifHeader.size()) != kExifHeader) {
      continue;
    }
    return ReadExifOrientation(
        {marker->data + kExifHeader.size(), marker->data_length - kExifHeader.size()});
  }
  return Orientation::kTopLeft;
}

}  // namespace

Result<image::Bitmap> DecodeJpeg(std::span<const uint8_t> file, const DecodeOptions& options) {
  JpegReader reader(file);
  if (!reader.ReadHeader()) return reader.Failure();
  const PixelFormat natural = reader.gray() ? PixelFormat::kGray8 : PixelFormat::kRgb8;
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap,
                           AllocatePicture(ImageCodec::kJpeg, reader.width(), reader.height(),
                                           OutputFormat(options.format, natural), options));
  // Before the pixels: libjpeg forgets the markers once it has read them.
  const Orientation orientation =
      options.apply_orientation ? reader.orientation() : Orientation::kTopLeft;
  if (!reader.ReadPixels(bitmap.mutable_view())) return reader.Failure();
  return Oriented(std::move(bitmap), orientation);
}

}  // namespace mullion::codecs
