// SPDX-License-Identifier: MIT
#include <algorithm>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

namespace {

// 64 KiB, a quarter of the smallest level 2 cache: larger images have few windows at their sides.
constexpr int64_t kMostPaddedFloats = 16 * 1024;
constexpr int64_t kPaddedLine = 16;  // floats

}  // namespace

PaddedImage::PaddedImage(const ConvolutionShape& shape) : shape_(shape) {
  if (!MergesLastAxis(shape)) return;
  const auto last_axis = static_cast<size_t>(shape.spatial_rank - 1);
  const ConvolutionShape::Axis last = shape.axes[last_axis];
  // Lines of zeros cost nothing: it is windows along lines that are copied.
  if (last.Inside(0, last.kernel) == std::pair<int64_t, int64_t>{0, last.output}) return;
  ConvolutionShape padded = shape;
  int64_t lines = shape.batch;
  for (size_t i = 0; i <= last_axis; ++i) {
    ConvolutionShape::Axis& axis = padded.axes[i];
    if (axis.output < 1 || axis.kernel < 1) return;
    axis.input = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
    axis.pad = 0;
    if (axis.input > kMostPaddedFloats) return;
    if (i < last_axis) lines *= axis.input;
    if (lines > kMostPaddedFloats) return;
  }
  length_ = padded.axes[last_axis].input * shape.in_channels;
  if (lines * length_ > kMostPaddedFloats) return;
  bytes_ = static_cast<size_t>((lines * length_ + kPaddedLine - 1) / kPaddedLine * kPaddedLine) *
           sizeof(float);
  shape_ = padded;
  input_length_ = last.input * shape.in_channels;
  const int64_t pad = last.pad * shape.in_channels;
  to_ = std::clamp<int64_t>(pad, 0, length_);
  count_ = std::clamp<int64_t>(pad + input_length_, to_, length_) - to_;
  from_ = to_ - pad;
  for (int64_t line = 0; line < lines; ++line) {
    int64_t rest = line;
    int64_t source = 0;
    int64_t step = 1;
    for (size_t i = last_axis; i-- > 0;) {
      const int64_t at = rest % padded.axes[i].input - shape.axes[i].pad;
      rest /= padded.axes[i].input;
      const bool inside = source >= 0 && at >= 0 && at < shape.axes[i].input;
      source = inside ? source + at * step : -1;
      step *= shape.axes[i].input;
    }
    lines_.push_back(source < 0 ? -1 : source + rest * step);
  }
}

const float* PaddedImage::Make(const float* input, void* memory) const {
  if (bytes_ == 0) return input;
  auto* const image = static_cast<float*>(memory);
  float* to = image;
  for (const int64_t line : lines_) {
    const int64_t count = line < 0 ? 0 : count_;
    float* const end = std::fill_n(to, to_, 0.0f);
    if (count > 0) std::copy_n(input + line * input_length_ + from_, count, end);
    std::fill(end + count, to + length_, 0.0f);
    to += length_;
  }
  return image;
}

}  // namespace mullion::cpu
