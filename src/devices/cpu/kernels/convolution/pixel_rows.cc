// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/pixel_rows.h"

#include <algorithm>
#include <array>

namespace mullion::cpu {

namespace {

// By addition: vectors of 64-bit products would take ten operations each.
void WriteAddresses(const uint8_t* pixel, int64_t step, const uint8_t** begin,
                    const uint8_t** end) {
  for (; begin != end; ++begin, pixel += step) *begin = pixel;
}

}  // namespace

// Outputs side by side on the last axis: `count` of them from coordinate `first` on.
struct PixelRows::Line {
  const uint8_t* image;
  const uint8_t* padding;
  int64_t pixel_bytes;
  std::array<int64_t, kMaxRank> start;  // input coordinates of tap 0 on the axes before
  int64_t first;
  int64_t count;
};

PixelRows::PixelRows(const ConvolutionShape& shape) : shape_(shape), taps_(shape.Taps()) {
  last_ = static_cast<size_t>(shape_.spatial_rank - 1);
  for (size_t axis = 0; axis <= last_; ++axis) {
    input_pixels_ *= shape_.axes[axis].input;
    output_pixels_ *= shape_.axes[axis].output;
    const ConvolutionShape::Axis& a = shape_.axes[axis];
    in_place_ = in_place_ && a.kernel == 1 && a.stride == 1 && a.pad == 0 && a.input == a.output;
  }
  const ConvolutionShape::Axis& last = shape_.axes[last_];
  for (int64_t outer = 0; outer < taps_ / last.kernel; ++outer) {
    std::array<int64_t, kMaxRank> offsets{};
    int64_t rest = outer;
    for (size_t axis = last_; axis-- > 0;) {
      offsets[axis] = rest % shape_.axes[axis].kernel * shape_.axes[axis].dilation;
      rest /= shape_.axes[axis].kernel;
    }
    outer_taps_.insert(outer_taps_.end(), offsets.begin(), offsets.begin() + last_);
  }
  for (int64_t tap = 0; tap < last.kernel; ++tap) {
    inside_.push_back(last.Inside(tap * last.dilation, 1));
  }
}

void PixelRows::Find(const uint8_t* image, int64_t pixel_bytes, const uint8_t* padding,
                     int64_t first, int64_t count, const uint8_t** rows, int64_t stride) const {
  if (in_place_) {
    return WriteAddresses(image + first * pixel_bytes, pixel_bytes, rows, rows + count);
  }
  Line line{image, padding, pixel_bytes, {}, 0, 0};
  for (int64_t row = 0; row < count; row += line.count) {
    int64_t rest = first + row;
    line.first = rest % shape_.axes[last_].output;
    line.count = std::min(shape_.axes[last_].output - line.first, count - row);
    rest /= shape_.axes[last_].output;
    for (size_t axis = last_; axis-- > 0;) {
      const ConvolutionShape::Axis& a = shape_.axes[axis];
      line.start[axis] = rest % a.output * a.stride - a.pad;
      rest /= a.output;
    }
    FindLine(line, rows + row, stride);
  }
}

void PixelRows::FindLine(const Line& line, const uint8_t** rows, int64_t stride) const {
  const ConvolutionShape::Axis& last = shape_.axes[last_];
  const auto last_taps = static_cast<int64_t>(inside_.size());
  for (int64_t outer = 0; outer * last_taps < taps_; ++outer) {
    bool inside = true;
    int64_t pixel = 0;
    for (size_t axis = 0; axis < last_; ++axis) {
      const int64_t at = line.start[axis] + outer_taps_[static_cast<size_t>(outer) * last_ + axis];
      inside = inside && at >= 0 && at < shape_.axes[axis].input;
      pixel = pixel * shape_.axes[axis].input + at;
    }
    pixel *= last.input;
    for (int64_t tap = 0; tap < last_taps; ++tap) {
      const uint8_t** const out = rows + (outer * last_taps + tap) * stride;
      const auto [from, to] = inside_[static_cast<size_t>(tap)];
      const int64_t begin = inside ? std::clamp<int64_t>(from - line.first, 0, line.count) : 0;
      const int64_t end = inside ? std::clamp<int64_t>(to - line.first, begin, line.count) : 0;
      std::fill(out, out + begin, line.padding);
      const int64_t step = last.stride * line.pixel_bytes;
      const int64_t offset =
          (pixel + line.first * last.stride - last.pad + tap * last.dilation) * line.pixel_bytes;
      WriteAddresses(line.image + (offset + begin * step), step, out + begin, out + end);
      std::fill(out + end, out + line.count, line.padding);
    }
  }
}

}  // namespace mullion::cpu
