// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_lines.h"

#include <algorithm>
#include <cstring>

namespace mullion::cpu {

namespace {

// Pixels that one task copies.
constexpr int64_t kStagedPixels = 2048;
// With more, a copy of the image costs more than is won.
constexpr int64_t kMaxChannels = 16;

int64_t Units(IntegerForm form, int64_t elements) {
  return (elements + UnitElements(form) - 1) / UnitElements(form);
}

}  // namespace

bool TakesLines(IntegerForm form, const Shape& weights, int64_t groups, int64_t dilation) {
  const int64_t channels = weights[1];
  const int64_t kernel = weights.Back(0);
  if (groups != 1 || dilation != 1 || kernel < 2 || channels > kMaxChannels) return false;
  return channels <= UnitElements(form) || weights[0] <= kColumnGroup ||
         Units(form, kernel * channels) < kernel * Units(form, channels);
}

ConvolutionShape LinesOf(const ConvolutionShape& shape) {
  ConvolutionShape lines = shape;
  ConvolutionShape::Axis& last = lines.axes[static_cast<size_t>(shape.spatial_rank - 1)];
  last.input = (last.output - 1) * last.stride + last.kernel;
  last.kernel = 1;
  last.pad = 0;
  return lines;
}

std::vector<uint8_t> LineWeights(const TensorView& weights) {
  const Shape& shape = weights.shape;
  const int64_t channels = shape[1];
  const int64_t taps = shape.Product(2, shape.rank());
  std::vector<uint8_t> values(static_cast<size_t>(shape.ElementCount()));
  const auto* const from = weights.as<uint8_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const int64_t tap = at / channels % taps;
    values[i] = from[(at / channels / taps * channels + at % channels) * taps + tap];
  }
  return values;
}

void StageLines(const ConvolutionShape& shape, bool channels_last,
                const IntegerConversion& conversion, int32_t padding, const uint8_t* from,
                uint8_t* to, Parallel& parallel) {
  const ConvolutionShape::Axis& last = shape.axes[static_cast<size_t>(shape.spatial_rank - 1)];
  const int64_t channels = shape.in_channels;
  const int64_t width = (last.output - 1) * last.stride + last.kernel;
  const int64_t pixel_bytes = channels * ElementBytes(conversion.form);
  // Pixels [first, end) of a line are read, from `before` on.
  const int64_t before = std::clamp<int64_t>(last.pad, 0, width);
  const int64_t first = std::clamp<int64_t>(-last.pad, 0, last.input);
  const int64_t end = std::clamp<int64_t>(width - last.pad, first, last.input);
  const int64_t after = width - before - (end - first);
  int64_t lines = 1;  // of an image
  for (int i = 0; i + 1 < shape.spatial_rank; ++i)
    lines *= shape.axes[static_cast<size_t>(i)].input;
  const int64_t pixels = lines * last.input;
  const int64_t chunk = std::max<int64_t>(kStagedPixels / std::max<int64_t>(width, 1), 1);
  parallel.For(shape.batch * lines, chunk, [&](int64_t begin, int64_t stop, int) {
    for (int64_t line = begin; line < stop; ++line) {
      uint8_t* target = to + line * width * pixel_bytes;
      std::memset(target, padding, static_cast<size_t>(before * pixel_bytes));
      target += before * pixel_bytes;
      if (channels_last) {
        ConvertIntegers(conversion, from + (line * last.input + first) * channels,
                        (end - first) * channels, target);
      } else {
        const int64_t start = line % lines * last.input;
        GatherPixels(conversion, from + line / lines * pixels * channels, channels, pixels,
                     start + first, start + end, target, pixel_bytes);
      }
      target += (end - first) * pixel_bytes;
      std::memset(target, padding, static_cast<size_t>(after * pixel_bytes));
    }
  });
}

}  // namespace mullion::cpu
