// SPDX-License-Identifier: MIT
// JPEG 2000, in JP2 files and as a bare codestream, by OpenJPEG.
#include "base/str_cat.h"
#include "codecs/codec.h"

#if defined(MULLION_WITH_OPENJPEG)

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mullion::codecs {

namespace {

using image::PixelFormat;

Status Wrong(std::string_view why) { return Damaged(ImageCodec::kJpeg2000, why); }

struct Source {
  std::span<const uint8_t> file;
  size_t position = 0;
};

OPJ_SIZE_T Read(void* to, OPJ_SIZE_T size, void* data) {
  auto& source = *static_cast<Source*>(data);
  const size_t count = std::min<size_t>(size, source.file.size() - source.position);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(to, source.file.data() + source.position, count);
  source.position += count;
  return count;
}

OPJ_BOOL Seek(OPJ_OFF_T offset, void* data) {
  auto& source = *static_cast<Source*>(data);
  if (offset < 0 || static_cast<uint64_t>(offset) > source.file.size()) return OPJ_FALSE;
  source.position = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

OPJ_OFF_T Skip(OPJ_OFF_T count, void* data) {
  auto& source = *static_cast<Source*>(data);
  const auto rest = static_cast<OPJ_OFF_T>(source.file.size() - source.position);
  if (count < 0 || rest == 0) return -1;
  count = std::min(count, rest);
  source.position += static_cast<size_t>(count);
  return count;
}

// Keeps the first message.
void TakeError(const char* text, void* data) {
  auto& error = *static_cast<std::string*>(data);
  if (!error.empty()) return;
  error = text;
  while (!error.empty() && error.back() == '\n') error.pop_back();
}

template <typename Object, void (*kDestroy)(Object*)>
struct Destroyer {
  void operator()(Object* object) const { kDestroy(object); }
};
template <typename Object, void (*kDestroy)(Object*)>
using Owned = std::unique_ptr<Object, Destroyer<Object, kDestroy>>;

using Codec = Owned<opj_codec_t, opj_destroy_codec>;
using Stream = Owned<opj_stream_t, opj_stream_destroy>;
using Image = Owned<opj_image_t, opj_image_destroy>;

// One channel at the size of the picture, in 8 bits.
class Channel {
 public:
  Channel(const opj_image_t& image, const opj_image_comp_t& component)
      : component_(component),
        most_((int64_t{1} << component.prec) - 1),
        lowest_(component.sgnd != 0 ? -(int64_t{1} << (component.prec - 1)) : 0),
        left_(image.x0),
        top_(image.y0) {}

  uint8_t At(int64_t x, int64_t y) const {
    const int64_t column = Place(left_ + x, component_.dx, component_.x0, component_.w);
    const int64_t row = Place(top_ + y, component_.dy, component_.y0, component_.h);
    const int64_t sample = component_.data[row * component_.w + column] - lowest_;
    return static_cast<uint8_t>((std::clamp<int64_t>(sample, 0, most_) * 255 + most_ / 2) / most_);
  }

 private:
  // Samples may stand for several pixels.
  static int64_t Place(int64_t pixel, int64_t step, int64_t first, int64_t count) {
    return std::clamp<int64_t>(pixel / step - first, 0, count - 1);
  }

  const opj_image_comp_t& component_;
  int64_t most_;
  int64_t lowest_;
  int64_t left_;
  int64_t top_;
};

// ITU-T T.871's inverse of YCbCr.
void ToRgb(uint8_t* pixel) {
  const float y = pixel[0];
  const float cb = static_cast<float>(pixel[1]) - 128.0f;
  const float cr = static_cast<float>(pixel[2]) - 128.0f;
  const auto byte = [](float value) {
    return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
  };
  pixel[0] = byte(y + 1.402f * cr);
  pixel[1] = byte(y - 0.344136f * cb - 0.714136f * cr);
  pixel[2] = byte(y + 1.772f * cb);
}

Status CheckComponents(const opj_image_t& image) {
  if (image.numcomps < 1 || image.numcomps > 4) {
    return Unsupported(StrCat("cannot decode the JPEG 2000 image: it has ", image.numcomps,
                              " channels; convert it to one with 1 to 4"));
  }
  for (uint32_t i = 0; i < image.numcomps; ++i) {
    const opj_image_comp_t& component = image.comps[i];
    if (component.prec < 1 || component.prec > 31 || component.dx < 1 || component.dy < 1) {
      return Wrong("a channel makes no sense");
    }
  }
  if (image.color_space == OPJ_CLRSPC_CMYK || image.color_space == OPJ_CLRSPC_EYCC) {
    return Unsupported(
        "cannot decode the JPEG 2000 image: its colours are CMYK or e-YCC; convert it to RGB");
  }
  return OkStatus();
}

PixelFormat FormatOf(const opj_image_t& image) {
  switch (image.numcomps) {
    case 1:
      return PixelFormat::kGray8;
    case 3:
      return PixelFormat::kRgb8;
    default:
      return PixelFormat::kRgba8;
  }
}

Result<image::Bitmap> PixelsOf(const opj_image_t& decoded, image::Bitmap bitmap) {
  std::vector<Channel> channels;
  for (uint32_t i = 0; i < decoded.numcomps; ++i) {
    const opj_image_comp_t& component = decoded.comps[i];
    if (component.data == nullptr || component.w == 0 || component.h == 0) {
      return Wrong("a channel is missing");
    }
    channels.emplace_back(decoded, component);
  }
  const bool gray_alpha = channels.size() == 2;
  const bool ycc = decoded.color_space == OPJ_CLRSPC_SYCC && channels.size() >= 3;
  const int bytes = image::BytesPerPixel(bitmap.format());
  for (int64_t y = 0; y < bitmap.height(); ++y) {
    uint8_t* to = bitmap.mutable_view().row(y);
    for (int64_t x = 0; x < bitmap.width(); ++x, to += bytes) {
      for (int c = 0; c < bytes; ++c) {
        const int from = gray_alpha ? c / 3 : c;
        to[c] = channels[static_cast<size_t>(from)].At(x, y);
      }
      if (ycc) ToRgb(to);
    }
  }
  return bitmap;
}

}  // namespace

Result<image::Bitmap> DecodeJpeg2000(std::span<const uint8_t> file, const DecodeOptions& options) {
  const bool bare = file[0] == 0xff;
  const Codec codec(opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
  const Stream stream(opj_stream_create(64 * 1024, OPJ_TRUE));
  if (codec == nullptr || stream == nullptr) {
    return OutOfMemory("cannot decode the JPEG 2000 image: out of memory");
  }
  std::string error;
  opj_set_error_handler(codec.get(), TakeError, &error);
  Source source = {file};
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), file.size());
  opj_stream_set_read_function(stream.get(), Read);
  opj_stream_set_seek_function(stream.get(), Seek);
  opj_stream_set_skip_function(stream.get(), Skip);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* header = nullptr;
  if (opj_setup_decoder(codec.get(), &parameters) == OPJ_FALSE ||
      opj_read_header(stream.get(), codec.get(), &header) == OPJ_FALSE) {
    opj_image_destroy(header);
    return Wrong(error.empty() ? "its header makes no sense" : error);
  }
  const Image decoded(header);
  if (decoded->x1 <= decoded->x0 || decoded->y1 <= decoded->y0) return Wrong("it has no pixels");
  MULLION_RETURN_IF_ERROR(CheckComponents(*decoded));
  const int64_t width = int64_t{decoded->x1} - decoded->x0;
  const int64_t height = int64_t{decoded->y1} - decoded->y0;
  MULLION_RETURN_IF_ERROR(CheckPictureSize(ImageCodec::kJpeg2000, width, height, options));
  if (opj_decode(codec.get(), stream.get(), decoded.get()) == OPJ_FALSE ||
      opj_end_decompress(codec.get(), stream.get()) == OPJ_FALSE || !error.empty()) {
    return Wrong(error.empty() ? "its pixels make no sense" : error);
  }
  // A palette has made channels of its own.
  MULLION_RETURN_IF_ERROR(CheckComponents(*decoded));
  MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap,
                           image::Bitmap::Allocate(FormatOf(*decoded), width, height));
  return PixelsOf(*decoded, std::move(bitmap));
}

}  // namespace mullion::codecs

#else

namespace mullion::codecs {

Result<image::Bitmap> DecodeJpeg2000(std::span<const uint8_t> /*file*/,
                                     const DecodeOptions& /*options*/) {
  return Unsupported(
      "cannot decode the JPEG 2000 image: this build has no OpenJPEG; convert it to JPEG, PNG, "
      "WebP or BMP");
}

}  // namespace mullion::codecs

#endif
