// SPDX-License-Identifier: MIT
// What the single codecs share.
#ifndef MULLION_CODECS_CODEC_H_
#define MULLION_CODECS_CODEC_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "codecs/decode.h"
#include "image/bitmap.h"

namespace mullion::codecs {

// One of these per kind of file. Each is given a file that begins as its kind does, and gives a
// bitmap in options.format where it can at no extra cost, in another format where it cannot.
Result<image::Bitmap> DecodeJpeg(std::span<const uint8_t> file, const DecodeOptions& options);
Result<image::Bitmap> DecodePng(std::span<const uint8_t> file, const DecodeOptions& options);
Result<image::Bitmap> DecodeWebp(std::span<const uint8_t> file, const DecodeOptions& options);
Result<image::Bitmap> DecodeBmp(std::span<const uint8_t> file, const DecodeOptions& options);
Result<image::Bitmap> DecodePnm(std::span<const uint8_t> file, const DecodeOptions& options);
// kUnsupported in a build without libtiff, or without OpenJPEG.
Result<image::Bitmap> DecodeTiff(std::span<const uint8_t> file, const DecodeOptions& options);
Result<image::Bitmap> DecodeJpeg2000(std::span<const uint8_t> file, const DecodeOptions& options);

// The error for a file whose bytes are wrong.
Status Damaged(ImageCodec codec, std::string_view why);

// An error for a size that is none, or that is beyond options.max_pixels.
Status CheckPictureSize(ImageCodec codec, int64_t width, int64_t height,
                        const DecodeOptions& options);

// Memory for the decoded picture, after its size was checked.
Result<image::Bitmap> AllocatePicture(ImageCodec codec, int64_t width, int64_t height,
                                      image::PixelFormat format, const DecodeOptions& options);

// The format to decode into by a library that reorders and adds or drops alpha on its way out, but
// makes gray by weights that are not ours: `wanted`, but `natural` instead of colour made gray.
image::PixelFormat OutputFormat(std::optional<image::PixelFormat> wanted,
                                image::PixelFormat natural);

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_CODEC_H_
