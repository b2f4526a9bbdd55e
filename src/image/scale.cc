// SPDX-License-Identifier: MIT
// Vertical first: rows are mixed while they are contiguous, each source byte read once and every
// vector lane busy, and the pass across pixels sees only as many rows as the target has.
#include "image/scale.h"

#include <algorithm>
#include <cstring>

#include "base/str_cat.h"

namespace mullion::image {

namespace {

// sums[i] (+)= the weighted sum of rows, two rows at a time to halve the traffic on `sums`.
template <bool kFirst>
void MixOne(const uint8_t* __restrict a, float weight, float* __restrict sums, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = weight * static_cast<float>(a[i]);
    sums[i] = kFirst ? value : sums[i] + value;
  }
}

template <bool kFirst>
void MixTwo(const uint8_t* __restrict a, const uint8_t* __restrict b, float weight_a,
            float weight_b, float* __restrict sums, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = weight_a * static_cast<float>(a[i]) + weight_b * static_cast<float>(b[i]);
    sums[i] = kFirst ? value : sums[i] + value;
  }
}

void MixRows(const ImageView& source, const FilterTaps::Tap& tap, float* sums) {
  const int64_t count = source.width * BytesPerPixel(source.format);
  const auto row = [&](int32_t i) { return source.row(tap.first + i); };
  if (tap.count == 1) {
    MixOne<true>(row(0), tap.weights[0], sums, count);
    return;
  }
  MixTwo<true>(row(0), row(1), tap.weights[0], tap.weights[1], sums, count);
  int32_t i = 2;
  for (; i + 1 < tap.count; i += 2) {
    MixTwo<false>(row(i), row(i + 1), tap.weights[i], tap.weights[i + 1], sums, count);
  }
  if (i < tap.count) MixOne<false>(row(i), tap.weights[i], sums, count);
}

// The sum of weights may pass 1 by rounding, so the largest byte needs a bound.
inline uint8_t ToByte(float value) {
  return static_cast<uint8_t>(static_cast<int>(std::min(value + 0.5f, 255.0f)));
}

template <int kChannels>
void MixPixels(const float* sums, const FilterTaps& taps, uint8_t* target, int64_t width) {
  for (int64_t x = 0; x < width; ++x, target += kChannels) {
    const FilterTaps::Tap tap = taps[x];
    const float* pixel = sums + int64_t{tap.first} * kChannels;
    float mixed[kChannels] = {};
    for (int32_t i = 0; i < tap.count; ++i, pixel += kChannels) {
      for (int c = 0; c < kChannels; ++c) mixed[c] += tap.weights[i] * pixel[c];
    }
    for (int c = 0; c < kChannels; ++c) target[c] = ToByte(mixed[c]);
  }
}

}  // namespace

RowScaler::RowScaler(const ImageView& source, int64_t target_width, int64_t target_height,
                     Filter filter)
    : source_(source),
      target_width_(target_width),
      copies_(source.width == target_width && source.height == target_height),
      vertical_(source.height, target_height, filter),
      horizontal_(source.width, target_width, filter) {
  if (!copies_) sums_.resize(static_cast<size_t>(source.width * BytesPerPixel(source.format)));
}

void RowScaler::Row(int64_t y, uint8_t* target) {
  const int channels = BytesPerPixel(source_.format);
  if (copies_) {
    std::memcpy(target, source_.row(y), static_cast<size_t>(target_width_ * channels));
    return;
  }
  MixRows(source_, vertical_[y], sums_.data());
  switch (channels) {
    case 1:
      return MixPixels<1>(sums_.data(), horizontal_, target, target_width_);
    case 3:
      return MixPixels<3>(sums_.data(), horizontal_, target, target_width_);
    default:
      return MixPixels<4>(sums_.data(), horizontal_, target, target_width_);
  }
}

Status Scale(const ImageView& source, const MutableImageView& target, Filter filter) {
  MULLION_RETURN_IF_ERROR(CheckImage("the image to scale", source));
  MULLION_RETURN_IF_ERROR(CheckImage("the target image", target));
  if (source.format != target.format) {
    return InvalidArgument("cannot scale a ", PixelFormatName(source.format), " image into a ",
                           PixelFormatName(target.format), " image: convert one of them first");
  }
  RowScaler scaler(source, target.width, target.height, filter);
  for (int64_t y = 0; y < target.height; ++y) scaler.Row(y, target.row(y));
  return OkStatus();
}

}  // namespace mullion::image
