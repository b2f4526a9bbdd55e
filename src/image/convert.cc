// SPDX-License-Identifier: MIT
#include "image/convert.h"

#include <cstring>

#include "base/str_cat.h"
#include "image/luma.h"

namespace mullion::image {

namespace {

// With both formats known while compiling, every offset is a constant and a pixel a few moves.
template <PixelFormat kSource, PixelFormat kTarget>
void ConvertRow(const uint8_t* source, uint8_t* target, int64_t count) {
  constexpr PixelLayout kFrom = LayoutOf(kSource);
  constexpr PixelLayout kTo = LayoutOf(kTarget);
  if constexpr (kSource == kTarget) {
    std::memcpy(target, source, static_cast<size_t>(count * kFrom.bytes));
    return;
  }
  for (int64_t x = 0; x < count; ++x, source += kFrom.bytes, target += kTo.bytes) {
    const uint8_t red = source[kFrom.red];
    const uint8_t green = source[kFrom.green];
    const uint8_t blue = source[kFrom.blue];
    if constexpr (kTarget == PixelFormat::kGray8) {
      target[0] = Luma(red, green, blue);
    } else {
      target[kTo.red] = red;
      target[kTo.green] = green;
      target[kTo.blue] = blue;
    }
    if constexpr (kTo.alpha >= 0) {
      if constexpr (kFrom.alpha >= 0) {
        target[kTo.alpha] = source[kFrom.alpha];
      } else {
        target[kTo.alpha] = 255;
      }
    }
  }
}

template <PixelFormat kSource>
RowConverter ConverterFrom(PixelFormat target) {
  switch (target) {
    case PixelFormat::kBgra8:
      return ConvertRow<kSource, PixelFormat::kBgra8>;
    case PixelFormat::kRgba8:
      return ConvertRow<kSource, PixelFormat::kRgba8>;
    case PixelFormat::kRgb8:
      return ConvertRow<kSource, PixelFormat::kRgb8>;
    case PixelFormat::kBgr8:
      return ConvertRow<kSource, PixelFormat::kBgr8>;
    case PixelFormat::kGray8:
      return ConvertRow<kSource, PixelFormat::kGray8>;
  }
  return nullptr;
}

}  // namespace

RowConverter ConverterFor(PixelFormat source, PixelFormat target) {
  switch (source) {
    case PixelFormat::kBgra8:
      return ConverterFrom<PixelFormat::kBgra8>(target);
    case PixelFormat::kRgba8:
      return ConverterFrom<PixelFormat::kRgba8>(target);
    case PixelFormat::kRgb8:
      return ConverterFrom<PixelFormat::kRgb8>(target);
    case PixelFormat::kBgr8:
      return ConverterFrom<PixelFormat::kBgr8>(target);
    case PixelFormat::kGray8:
      return ConverterFrom<PixelFormat::kGray8>(target);
  }
  return nullptr;
}

Status Convert(const ImageView& source, const MutableImageView& target) {
  MULLION_RETURN_IF_ERROR(CheckImage("the image to convert", source));
  MULLION_RETURN_IF_ERROR(CheckImage("the target image", target));
  if (source.width != target.width || source.height != target.height) {
    return SizeMismatch("cannot convert an image of ", source.width, " by ", source.height,
                        " pixels into one of ", target.width, " by ", target.height,
                        ": scale it first");
  }
  const RowConverter convert = ConverterFor(source.format, target.format);
  for (int64_t y = 0; y < source.height; ++y) convert(source.row(y), target.row(y), source.width);
  return OkStatus();
}

}  // namespace mullion::image
