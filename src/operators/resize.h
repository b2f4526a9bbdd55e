// SPDX-License-Identifier: MIT
// The parameters of Resize, of which Upsample is an older spelling.
#ifndef MULLION_OPERATORS_RESIZE_H_
#define MULLION_OPERATORS_RESIZE_H_

#include <array>
#include <cstdint>
#include <span>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"
#include "operators/int_list.h"

namespace mullion::operators {

// How one axis is resized. Coordinates are those of ONNX: along the axis, in elements.
struct ResizeAxis {
  int64_t input = 1;
  int64_t output = 1;
  float scale = 1;
  // The output's length before rounding: `scale` times the input's unless `sizes` gave it.
  float exact_output = 1;
  // The region of tf_crop_and_resize, in fractions of the input.
  float roi_begin = 0;
  float roi_end = 1;

  bool Changes(bool crops) const {
    return input != output || scale != 1 || (crops && (roi_begin != 0 || roi_end != 1));
  }
};

struct ResizeParameters {
  enum class Mode { kNearest, kLinear, kCubic };
  enum class Coordinates {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kTfHalfPixelForNn,  // until opset 13
    kTfCropAndResize,
  };
  enum class Nearest {
    kRoundPreferFloor,
    kRoundPreferCeil,
    kFloor,
    kCeil,
    kByDirection,  // Resize-10 and Upsample: up when shrinking, else down; spelled "simple"
  };
  enum class AspectRatio { kStretch, kNotLarger, kNotSmaller };

  // Checks the attributes' values.
  static Result<ResizeParameters> FromNode(const Node& node);

  // The axes of the input in memory that elements of `scales`, `sizes` and `roi` speak of: those of
  // the attribute `axes`, or all. Elements name axes channels first.
  Result<IntList> ResizedAxes(int rank) const;

  // Every axis of an input of shape `input`, whose dimensions must be known. One of `scales` and
  // `sizes` is empty.
  Result<std::array<ResizeAxis, kMaxRank>> Axes(const Shape& input, std::span<const float> scales,
                                                std::span<const int64_t> sizes,
                                                std::span<const float> roi) const;

  ChannelLayout layout;
  Mode mode = Mode::kNearest;
  Coordinates coordinates = Coordinates::kHalfPixel;
  Nearest nearest = Nearest::kRoundPreferFloor;
  AspectRatio aspect_ratio = AspectRatio::kStretch;
  bool antialias = false;
  bool exclude_outside = false;
  float cubic_coefficient = -0.75f;
  float extrapolation_value = 0;
  bool has_axes = false;
  IntList axes;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_RESIZE_H_
