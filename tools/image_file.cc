// SPDX-License-Identifier: MIT
#include "tools/image_file.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/platform.h"
#include "base/str_cat.h"
#include "codecs/decode.h"
#include "tools/failure.h"

namespace mullion::tools {

namespace {

double ParseFraction(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (*end == '/') {
    const char* const divisor = end + 1;
    value /= std::strtod(divisor, &end);
    if (end == divisor) value = 0;
  }
  if (text.empty() || *end != '\0' || !(value > 0) || value > 1e30) {
    throw Failure(kExitWrongUse,
                  StrCat("--scale '", text, "' is not a number or fraction above 0, like 1/255"));
  }
  return value;
}

MullionPixelFormat ParseFormat(const std::string& text) {
  if (text == "rgb") return MULLION_PIXEL_RGBA8;
  if (text == "bgr") return MULLION_PIXEL_BGRA8;
  if (text == "gray" || text == "grey") return MULLION_PIXEL_GRAY8;
  throw Failure(kExitWrongUse, StrCat("--pixel-format '", text, "' is not one of rgb, bgr, gray"));
}

void SetCrop(const std::string& text, MullionImageOptions& options) {
  if (text == "center") {
    options.fit = MULLION_FIT_CENTER_CROP;
  } else if (text == "stretch") {
    options.fit = MULLION_FIT_STRETCH;
  } else if (text == "letterbox") {
    options.fit = MULLION_FIT_LETTERBOX;
  } else {
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    bool good = true;
    for (size_t i = 0; i < 4 && good; ++i) {
      const auto [next, error] = std::from_chars(at, end, options.bounds[i]);
      good = error == std::errc() && (i < 3 ? next != end && *next == ',' : next == end);
      at = next + 1;
    }
    if (!good) {
      throw Failure(kExitWrongUse,
                    StrCat("--crop '", text,
                           "' is not center, stretch, letterbox, or left,top,width,height"));
    }
    options.has_bounds = 1;
  }
}

// One number for all channels, or one for each.
void SpreadOver(const std::vector<float>& values, const char* flag, float (&channels)[3]) {
  if (values.empty()) return;
  if (values.size() != 1 && values.size() != 3) {
    throw Failure(kExitWrongUse, StrCat(flag, " takes 1 or 3 numbers, not ", values.size()));
  }
  for (size_t i = 0; i < 3; ++i) channels[i] = values[values.size() == 1 ? 0 : i];
}

}  // namespace

void ImageFlags::AddTo(CLI::App& app) {
  constexpr char kGroup[] = "Pictures";
  app.add_option("--scale", scale, "Multiply pixel values 0 to 255 by this first, like 1/255")
      ->type_name("X")
      ->group(kGroup);
  app.add_option("--mean", mean, "Then subtract this, one number or one a channel")
      ->type_name("X,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--std", deviation, "Then divide by this, one number or one a channel")
      ->type_name("X,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--pixel-format", pixel_format,
                 "rgb, bgr or gray (default: the model's metadata, else bgr)")
      ->type_name("NAME")
      ->group(kGroup);
  app.add_option("--layout", layout, "nchw or nhwc (default: by the input's shape)")
      ->type_name("NAME")
      ->group(kGroup);
  app.add_option("--crop", crop,
                 "center, stretch, letterbox, or left,top,width,height of the part to use "
                 "(default: center)")
      ->type_name("HOW")
      ->group(kGroup);
}

std::string ImageFlags::Given() const {
  if (!scale.empty()) return "--scale";
  if (!mean.empty()) return "--mean";
  if (!deviation.empty()) return "--std";
  if (!pixel_format.empty()) return "--pixel-format";
  if (!layout.empty()) return "--layout";
  return crop.empty() ? "" : "--crop";
}

MullionImageOptions ImageFlags::Options() const {
  MullionImageOptions options = MULLION_IMAGE_OPTIONS_INIT;
  if (!pixel_format.empty()) options.format = ParseFormat(pixel_format);
  if (!crop.empty()) SetCrop(crop, options);
  if (!layout.empty()) {
    if (layout != "nchw" && layout != "nhwc") {
      throw Failure(kExitWrongUse, StrCat("--layout '", layout, "' is not nchw or nhwc"));
    }
    options.channels_last = layout == "nhwc" ? 1 : 0;
  }
  if (mean.empty() && deviation.empty() && scale.empty()) return options;
  // (v * scale - mean) / deviation is (v - mean / scale) / (deviation / scale) on 0 to 255.
  const auto factor = static_cast<float>(scale.empty() ? 1.0 : ParseFraction(scale));
  options.range = MULLION_RANGE_0_255;
  options.has_normalization = 1;
  SpreadOver(mean, "--mean", options.mean);
  SpreadOver(deviation, "--std", options.deviation);
  for (size_t i = 0; i < 3; ++i) {
    if (!(std::abs(options.deviation[i]) > 0)) throw Failure(kExitWrongUse, "--std must not be 0");
    options.mean[i] /= factor;
    options.deviation[i] /= factor;
  }
  return options;
}

Handle<MullionValue> ReadImage(const std::string& path) {
  const auto file = ValueOrThrow(MapFile(path));
  const auto bitmap =
      codecs::DecodeImage({file->data(), file->size()}, {.format = image::PixelFormat::kRgba8});
  if (!bitmap.ok()) {
    throw Failure(kExitRefused, StrCat("image '", path, "': ", bitmap.status().message()));
  }
  const image::ImageView view = bitmap->view();
  MullionValue* value = nullptr;
  Check(MullionValue_CreateImage(MULLION_PIXEL_RGBA8, static_cast<uint32_t>(view.width),
                                 static_cast<uint32_t>(view.height), view.pixels, view.row_stride,
                                 &value));
  return Handle<MullionValue>(value);
}

bool IsImageFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char head[16] = {};
  file.read(head, sizeof(head));
  const auto count = static_cast<size_t>(file.gcount());
  return codecs::DetectCodec({reinterpret_cast<const uint8_t*>(head), count}) !=
         codecs::ImageCodec::kUnknown;
}

}  // namespace mullion::tools
