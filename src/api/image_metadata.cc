// SPDX-License-Identifier: MIT
#include "api/image_metadata.h"

#include <string_view>

#include "api/names.h"
#include "base/str_cat.h"

namespace mullion::api {

namespace {

using Metadata = std::span<const std::pair<std::string, std::string>>;

const std::string* Find(Metadata metadata, std::string_view key) {
  for (const auto& [name, value] : metadata) {
    if (SameIgnoringCase(name, key)) return &value;
  }
  return nullptr;
}

// The meaning of `key`'s value by `table`; notes a problem when the table lacks it.
template <typename Meaning, size_t kCount>
std::optional<Meaning> LookUp(Metadata metadata, std::string_view key,
                              const std::pair<std::string_view, Meaning> (&table)[kCount],
                              std::string& problem) {
  const std::string* const value = Find(metadata, key);
  if (value == nullptr) return std::nullopt;
  std::string supported;
  for (const auto& [spelling, meaning] : table) {
    if (*value == spelling) return meaning;
    supported += StrCat(supported.empty() ? "" : ", ", spelling);
  }
  problem = StrCat("the model's metadata says ", key, " = '", *value, "' and only ", supported,
                   " can be done; bind a tensor instead");
  return std::nullopt;
}

constexpr std::pair<std::string_view, image::PixelFormat> kFormats[] = {
    {"Gray8", image::PixelFormat::kGray8},
    {"Rgb8", image::PixelFormat::kRgb8},
    {"Bgr8", image::PixelFormat::kBgr8}};
constexpr std::pair<std::string_view, bool> kGammas[] = {{"SRGB", true}};
constexpr std::pair<std::string_view, image::PixelRange> kRanges[] = {
    {"NominalRange_0_255", image::PixelRange::kZeroTo255},
    {"Normalized_0_1", image::PixelRange::kZeroToOne},
    {"Normalized_1_1", image::PixelRange::kMinusOneToOne}};

}  // namespace

ImageMetadata ReadImageMetadata(Metadata metadata) {
  ImageMetadata read;
  read.pixels = LookUp(metadata, "Image.BitmapPixelFormat", kFormats, read.problem);
  static_cast<void>(LookUp(metadata, "Image.ColorSpaceGamma", kGammas, read.problem));
  const auto range = LookUp(metadata, "Image.NominalPixelRange", kRanges, read.problem);
  read.range = range.value_or(image::PixelRange::kZeroTo255);
  return read;
}

}  // namespace mullion::api
