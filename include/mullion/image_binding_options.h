// SPDX-License-Identifier: MIT
#ifndef MULLION_IMAGE_BINDING_OPTIONS_H_
#define MULLION_IMAGE_BINDING_OPTIONS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "mullion/kinds.h"

namespace mullion {

// Part of a picture, in pixels.
struct BitmapBounds {
  uint32_t X = 0;
  uint32_t Y = 0;
  uint32_t Width = 0;
  uint32_t Height = 0;

  friend bool operator==(const BitmapBounds&, const BitmapBounds&) = default;
};

// How an image is turned into a tensor and back: the bind properties of Windows ML, and more. What
// is left out comes from the model's metadata, then from the tensor's shape.
struct ImageBindingOptions {
  // Inputs: the part of the picture to use; all of it when absent. Outputs: the part to write, of
  // the tensor's size; the top left when absent.
  std::optional<mullion::BitmapBounds> BitmapBounds;
  // The order of the tensor's channels; alpha takes no channel.
  mullion::BitmapPixelFormat BitmapPixelFormat = mullion::BitmapPixelFormat::Unknown;
  std::optional<LearningModelPixelRange> PixelRange;

  // Not in Windows ML.
  ImageFit Fit = ImageFit::Default;           // inputs only
  ImageFilter Filter = ImageFilter::Default;  // inputs only
  std::array<uint8_t, 3> Margin = {0, 0, 0};  // red, green, blue of what letterboxing leaves over
  std::optional<bool> ChannelsLast;           // whether the tensor is [N,H,W,C]
  std::optional<std::array<float, 3>> Mean;   // each element is (v - mean) / deviation, after the
  std::optional<std::array<float, 3>> Deviation;  // range, by the order of the tensor's channels

  // The same for calls of the C interface.
  MullionImageOptions ToC() const {
    MullionImageOptions options = MULLION_IMAGE_OPTIONS_INIT;
    if (BitmapBounds) {
      options.has_bounds = 1;
      options.bounds[0] = BitmapBounds->X;
      options.bounds[1] = BitmapBounds->Y;
      options.bounds[2] = BitmapBounds->Width;
      options.bounds[3] = BitmapBounds->Height;
    }
    options.format = static_cast<MullionPixelFormat>(BitmapPixelFormat);
    if (PixelRange) options.range = static_cast<int>(*PixelRange);
    options.fit = static_cast<MullionImageFit>(Fit);
    options.filter = static_cast<MullionImageFilter>(Filter);
    std::copy(Margin.begin(), Margin.end(), options.margin);
    if (ChannelsLast) options.channels_last = *ChannelsLast ? 1 : 0;
    options.has_normalization = Mean || Deviation ? 1 : 0;
    if (Mean) std::copy(Mean->begin(), Mean->end(), options.mean);
    if (Deviation) std::copy(Deviation->begin(), Deviation->end(), options.deviation);
    return options;
  }
};

// How a bound image was fitted: `Source` of the picture went to `Target` of the tensor. A point x
// of the tensor lies in the picture at Source.X + (x - Target.X) * Source.Width / Target.Width, and
// likewise for y: this is how boxes that a detector gives are mapped back.
struct ImageMapping {
  BitmapBounds Source;
  BitmapBounds Target;
};

}  // namespace mullion

#endif  // MULLION_IMAGE_BINDING_OPTIONS_H_
