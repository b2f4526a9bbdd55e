// SPDX-License-Identifier: MIT
#include "devices/cpu/resize_plan.h"

#include <algorithm>
#include <cmath>

namespace mullion::cpu {

namespace {

using operators::ResizeAxis;
using operators::ResizeParameters;

// The coordinate in the input that output j comes from. The formulas are those of ONNX Resize, in
// float as they are in other implementations: ties must fall the same way.
float SourceCoordinate(ResizeParameters::Coordinates mode, const ResizeAxis& axis, int64_t j) {
  using Coordinates = ResizeParameters::Coordinates;
  const auto x = static_cast<float>(j);
  const auto length = static_cast<float>(axis.input);
  switch (mode) {
    case Coordinates::kHalfPixel:
      return (x + 0.5f) / axis.scale - 0.5f;
    case Coordinates::kHalfPixelSymmetric: {
      const float adjustment = static_cast<float>(axis.output) / axis.exact_output;
      const float center = length / 2;
      return center * (1 - adjustment) + (x + 0.5f) / axis.scale - 0.5f;
    }
    case Coordinates::kPytorchHalfPixel:
      return axis.exact_output > 1 ? (x + 0.5f) / axis.scale - 0.5f : 0.0f;
    case Coordinates::kAlignCorners:
      return axis.exact_output == 1 ? 0.0f : x * (length - 1) / (axis.exact_output - 1);
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kTfHalfPixelForNn:
      return (x + 0.5f) / axis.scale;
    case Coordinates::kTfCropAndResize: {
      if (axis.output <= 1) return 0.5f * (axis.roi_begin + axis.roi_end) * (length - 1);
      const float step =
          (axis.roi_end - axis.roi_begin) * (length - 1) / static_cast<float>(axis.output - 1);
      return axis.roi_begin * (length - 1) + x * step;
    }
  }
  return x;
}

float NearestInteger(ResizeParameters::Nearest mode, float scale, float x) {
  using Nearest = ResizeParameters::Nearest;
  switch (mode) {
    case Nearest::kRoundPreferFloor:
      return std::ceil(x - 0.5f);
    case Nearest::kRoundPreferCeil:
      return std::floor(x + 0.5f);
    case Nearest::kFloor:
      return std::floor(x);
    case Nearest::kCeil:
      return std::ceil(x);
    case Nearest::kByDirection:
      return scale < 1 ? std::ceil(x) : std::floor(x);
  }
  return x;
}

// Weight of an element at distance x of a triangle (linear) or of the cubic convolution kernel of
// Keys, "Cubic convolution interpolation for digital image processing" (1981), with parameter a.
float FilterWeight(const ResizeParameters& parameters, float x) {
  x = std::abs(x);
  if (parameters.mode == ResizeParameters::Mode::kLinear) return std::max(1 - x, 0.0f);
  const float a = parameters.cubic_coefficient;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// Antialiasing widens the filter when shrinking, so that it covers what vanishes.
float FilterScale(const ResizeParameters& parameters, const ResizeAxis& axis) {
  return parameters.antialias ? std::min(axis.scale, 1.0f) : 1.0f;
}

// Elements that the filter reaches: from floor(-reach / filter) + 1 before the coordinate to as
// many after it.
int64_t ReachOf(const ResizeParameters& parameters, const ResizeAxis& axis) {
  const double reach = parameters.mode == ResizeParameters::Mode::kLinear ? 1 : 2;
  const double half = std::ceil(reach / static_cast<double>(FilterScale(parameters, axis)));
  // Of a scale that makes at least one output of the axis it is less.
  return 2 * static_cast<int64_t>(std::min(half, static_cast<double>(axis.input) * 4 + 8));
}

void FillNearest(const ResizeParameters& parameters, const ResizeAxis& axis, ResizeTable& table) {
  const auto last = static_cast<float>(axis.input - 1);
  for (int64_t j = 0; j < axis.output; ++j) {
    const float x = SourceCoordinate(parameters.coordinates, axis, j);
    const float nearest = NearestInteger(parameters.nearest, axis.scale, x);
    // Written so that NaN becomes 0.
    const float clamped = nearest > 0 ? std::min(nearest, last) : 0.0f;
    table.index[static_cast<size_t>(j)] =
        std::min(static_cast<int32_t>(clamped), static_cast<int32_t>(axis.input - 1));
  }
  if (axis.output % axis.input != 0) return;
  const int64_t factor = axis.output / axis.input;
  for (int64_t j = 0; j < axis.output; ++j) {
    if (table.index[static_cast<size_t>(j)] != j / factor) return;
  }
  table.repeat_factor = factor;
}

// The taps of output j: elements around the coordinate x, weighted by their distance. Those outside
// the axis count as its ends, or not at all with exclude_outside. A filter that reaches further
// than the axis is long has a tap for each element of it.
void FillTaps(const ResizeParameters& parameters, const ResizeAxis& axis, int64_t j,
              ResizeTable& table) {
  const int64_t last = axis.input - 1;
  float x = SourceCoordinate(parameters.coordinates, axis, j);
  const auto limit = static_cast<float>(axis.input) * 2 + 8;
  x = x > -limit ? std::min(x, limit) : -limit;  // NaN and what is far outside
  const float filter = FilterScale(parameters, axis);
  const int64_t reach = ReachOf(parameters, axis);
  const bool whole = table.taps < reach;
  // The element left of x; x itself is at most one further, so that whole coordinates have the
  // element itself as the right one of the two in the middle.
  const auto left = static_cast<int64_t>(std::ceil(x)) - 1;
  const int64_t first = left - reach / 2 + 1;
  float sum = 0;
  for (int64_t k = 0; k < reach; ++k) {
    const int64_t element = first + k;
    const int64_t inside = std::clamp<int64_t>(element, 0, last);
    const auto at = static_cast<size_t>((whole ? inside : k) * axis.output + j);
    float weight = FilterWeight(parameters, (static_cast<float>(element) - x) * filter);
    if (parameters.exclude_outside && element != inside) weight = 0;
    table.index[at] = static_cast<int32_t>(inside);
    table.weight[at] += weight;
    sum += weight;
  }
  if (whole) {
    for (int64_t k = 0; k < table.taps; ++k) {
      table.index[static_cast<size_t>(k * axis.output + j)] = static_cast<int32_t>(k);
    }
  }
  if (sum == 0 || (!parameters.antialias && !parameters.exclude_outside)) return;
  for (int64_t k = 0; k < table.taps; ++k) {
    table.weight[static_cast<size_t>(k * axis.output + j)] /= sum;
  }
}

}  // namespace

ResizeTable MakeResizeTable(const ResizeParameters& parameters, const ResizeAxis& axis) {
  ResizeTable table;
  table.input = axis.input;
  table.output = axis.output;
  if (axis.output == 0 || axis.input == 0) return table;
  const bool nearest = parameters.mode == ResizeParameters::Mode::kNearest;
  if (!nearest) {
    const int64_t reach = ReachOf(parameters, axis);
    table.taps = parameters.antialias ? std::min(reach, axis.input) : reach;
  }
  table.index.resize(static_cast<size_t>(table.taps * axis.output));
  if (nearest) {
    FillNearest(parameters, axis, table);
  } else {
    table.weight.resize(table.index.size());
    for (int64_t j = 0; j < axis.output; ++j) FillTaps(parameters, axis, j, table);
  }
  if (parameters.coordinates == ResizeParameters::Coordinates::kTfCropAndResize) {
    for (int64_t j = 0; j < axis.output; ++j) {
      const float x = SourceCoordinate(parameters.coordinates, axis, j);
      if (x >= 0 && x <= static_cast<float>(axis.input - 1)) continue;
      table.outside.resize(static_cast<size_t>(axis.output));
      table.outside[static_cast<size_t>(j)] = 1;
    }
  }
  return table;
}

Result<std::unique_ptr<ResizePlan>> MakeResizePlan(const ResizeParameters& parameters,
                                                   const Shape& input, const TensorView* roi,
                                                   const TensorView* scales,
                                                   const TensorView* sizes) {
  std::vector<float> region;
  if (roi != nullptr) {
    DispatchType(FloatTypes{}, roi->type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (const T value : roi->span<T>()) region.push_back(static_cast<float>(value));
    });
  }
  const auto scale_span = scales == nullptr ? std::span<const float>() : scales->span<float>();
  const auto size_span = sizes == nullptr ? std::span<const int64_t>() : sizes->span<int64_t>();
  MULLION_ASSIGN_OR_RETURN(const auto axes, parameters.Axes(input, scale_span, size_span, region));
  const bool crops = parameters.coordinates == ResizeParameters::Coordinates::kTfCropAndResize;
  auto plan = std::make_unique<ResizePlan>();
  plan->input = input;
  for (int i = 0; i < input.rank(); ++i) {
    const ResizeAxis& axis = axes[static_cast<size_t>(i)];
    plan->output.Append(axis.output);
    if (axis.Changes(crops)) plan->steps.push_back({i, MakeResizeTable(parameters, axis)});
  }
  return plan;
}

}  // namespace mullion::cpu
