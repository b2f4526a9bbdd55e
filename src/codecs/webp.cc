// SPDX-License-Identifier: MIT
#include <webp/decode.h>

#include "base/str_cat.h"
#include "codecs/codec.h"

namespace mullion::codecs {

namespace {

using image::PixelFormat;

const char* Reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "its data makes no sense";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature that does not exist";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "it ends too early";
    default:
      return "its header makes no sense";
  }
}

Status Failure(VP8StatusCode status) {
  if (status == VP8_STATUS_OUT_OF_MEMORY) {
    return OutOfMemory("cannot decode the WebP image: out of memory");
  }
  return Damaged(ImageCodec::kWebp, Reason(status));
}

WEBP_CSP_MODE OutputMode(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgra8:
      return MODE_BGRA;
    case PixelFormat::kRgba8:
      return MODE_RGBA;
    case PixelFormat::kBgr8:
      return MODE_BGR;
    default:
      return MODE_RGB;
  }
}

}  // namespace

Result<image::Bitmap> DecodeWebp(std::span<const uint8_t> file, const DecodeOptions& options) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) {
    return InternalError("the libwebp that is loaded is not the one this was built for");
  }
  VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &config.input);
  if (status != VP8_STATUS_OK) return Failure(status);
  if (config.input.has_animation) {
    return Unsupported(
        "cannot decode the WebP image: it is an animation; extract one picture from it first");
  }
  const PixelFormat natural = config.input.has_alpha ? PixelFormat::kRgba8 : PixelFormat::kRgb8;
  MULLION_ASSIGN_OR_RETURN(
      image::Bitmap bitmap,
      AllocatePicture(ImageCodec::kWebp, config.input.width, config.input.height,
                      OutputFormat(options.format, natural), options));
  // WebP has at most 16383 pixels a side, so the stride fits.
  const image::MutableImageView target = bitmap.mutable_view();
  config.output.colorspace = OutputMode(target.format);
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target.pixels;
  config.output.u.RGBA.stride = static_cast<int>(target.row_stride);
  config.output.u.RGBA.size = static_cast<size_t>(target.row_stride * target.height);
  status = WebPDecode(file.data(), file.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) return Failure(status);
  return bitmap;
}

}  // namespace mullion::codecs
