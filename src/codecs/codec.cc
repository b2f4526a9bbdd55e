// SPDX-License-Identifier: MIT
#include "codecs/codec.h"

#include "base/str_cat.h"

namespace mullion::codecs {

using image::PixelFormat;

Status Damaged(ImageCodec codec, std::string_view why) {
  return InvalidArgument(
      StrCat("cannot decode the ", ImageCodecName(codec), " image: the file is damaged: ", why));
}

Status CheckPictureSize(ImageCodec codec, int64_t width, int64_t height,
                        const DecodeOptions& options) {
  const std::string what = StrCat("the ", ImageCodecName(codec), " image");
  MULLION_RETURN_IF_ERROR(image::CheckImageSize(what.c_str(), width, height));
  if (width * height > options.max_pixels) {
    return InvalidArgument(StrCat("cannot decode ", what, ": its ", width, " by ", height,
                                  " pixels are more than the limit of ", options.max_pixels,
                                  " pixels; scale it down or raise the limit"));
  }
  return OkStatus();
}

Result<image::Bitmap> AllocatePicture(ImageCodec codec, int64_t width, int64_t height,
                                      PixelFormat format, const DecodeOptions& options) {
  MULLION_RETURN_IF_ERROR(CheckPictureSize(codec, width, height, options));
  return image::Bitmap::Allocate(format, width, height);
}

PixelFormat OutputFormat(std::optional<PixelFormat> wanted, PixelFormat natural) {
  if (!wanted || *wanted == PixelFormat::kGray8) return natural;
  return *wanted;
}

}  // namespace mullion::codecs
