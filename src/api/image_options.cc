// SPDX-License-Identifier: MIT
#include "api/image_options.h"

#include <algorithm>
#include <cstring>

#include "api/image_value.h"
#include "base/str_cat.h"

namespace mullion::api {

namespace {

Result<std::optional<image::FitMode>> ToFitMode(MullionImageFit fit) {
  using Mode = std::optional<image::FitMode>;
  switch (fit) {
    case MULLION_FIT_DEFAULT:
      return Mode();
    case MULLION_FIT_CENTER_CROP:
      return Mode(image::FitMode::kCenterCrop);
    case MULLION_FIT_STRETCH:
      return Mode(image::FitMode::kStretch);
    case MULLION_FIT_LETTERBOX:
      return Mode(image::FitMode::kLetterbox);
    case MULLION_FIT_LETTERBOX_TOP_LEFT:
      return Mode(image::FitMode::kLetterboxTopLeft);
  }
  return InvalidArgument("image options: there is no fit ", static_cast<int>(fit),
                         "; use a value of MullionImageFit");
}

Result<image::Filter> ToFilter(MullionImageFilter filter) {
  switch (filter) {
    case MULLION_FILTER_DEFAULT:
      return image::Filter::kAuto;
    case MULLION_FILTER_NEAREST:
      return image::Filter::kNearest;
    case MULLION_FILTER_BILINEAR:
      return image::Filter::kBilinear;
    case MULLION_FILTER_AREA:
      return image::Filter::kArea;
  }
  return InvalidArgument("image options: there is no filter ", static_cast<int>(filter),
                         "; use a value of MullionImageFilter");
}

// The caller's options, with this library's defaults behind the end that the caller knew.
Result<MullionImageOptions> Complete(const MullionImageOptions& given) {
  MullionImageOptions options = MULLION_IMAGE_OPTIONS_INIT;
  if (given.size < sizeof(given.size) || given.size > 16 * sizeof(options)) {
    return InvalidArgument("image options: the size ", given.size,
                           " is wrong; begin with MULLION_IMAGE_OPTIONS_INIT");
  }
  std::memcpy(&options, &given, std::min<size_t>(given.size, sizeof(options)));
  return options;
}

}  // namespace

Result<ImageOptions> ReadImageOptions(const MullionImageOptions* options) {
  ImageOptions read;
  if (options == nullptr) return read;
  MULLION_ASSIGN_OR_RETURN(const MullionImageOptions given, Complete(*options));
  if (given.has_bounds != 0) {
    read.bounds = {given.bounds[0], given.bounds[1], given.bounds[2], given.bounds[3]};
  }
  if (given.format != MULLION_PIXEL_UNKNOWN) {
    const auto format = ToPixelFormat(given.format);
    if (!format.ok()) return InvalidBinding("image options: " + format.status().message());
    read.pixels = *format;
  }
  if (given.range < -1 || given.range > MULLION_RANGE_MINUS1_1) {
    return InvalidBinding("image options: there is no pixel range ", given.range,
                          "; use a value of MullionPixelRange, or -1");
  }
  if (given.range >= 0) read.range = static_cast<image::PixelRange>(given.range);
  MULLION_ASSIGN_OR_RETURN(read.fit, ToFitMode(given.fit));
  MULLION_ASSIGN_OR_RETURN(read.filter, ToFilter(given.filter));
  read.margin = {given.margin[0], given.margin[1], given.margin[2]};
  if (given.has_normalization != 0) {
    std::copy(given.mean, given.mean + 3, read.normalization.mean.begin());
    std::copy(given.deviation, given.deviation + 3, read.normalization.deviation.begin());
  }
  read.channels_last = std::clamp(given.channels_last, -1, 1);
  return read;
}

}  // namespace mullion::api
