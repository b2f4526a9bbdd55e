// SPDX-License-Identifier: MIT
#include "image/detensorize.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/str_cat.h"
#include "image/luma.h"

namespace mullion::image {

namespace {

// byte = element * factor + term.
struct Inverse {
  float factor;
  float term;
};

// Tensorize computes (v * scale + offset - mean) / deviation; this solves it for v.
Inverse InverseOf(const TensorFormat& format, int channel) {
  double scale = 1.0;
  double offset = 0.0;
  if (format.range == PixelRange::kZeroToOne) scale = 1.0 / 255.0;
  if (format.range == PixelRange::kMinusOneToOne) {
    scale = 1.0 / 127.5;
    offset = -1.0;
  }
  const double mean = format.mean[static_cast<size_t>(channel)];
  const double deviation = format.deviation[static_cast<size_t>(channel)];
  return {static_cast<float>(deviation / scale), static_cast<float>((mean - offset) / scale)};
}

// One channel of one row. The comparisons are written so that NaN fails the first and becomes 0.
template <typename T>
void ToBytes(const T* __restrict elements, int64_t stride, Inverse inverse,
             uint8_t* __restrict bytes, int64_t count) {
  for (int64_t x = 0; x < count; ++x) {
    float value = static_cast<float>(elements[x * stride]) * inverse.factor + inverse.term + 0.5f;
    value = value > 0.0f ? value : 0.0f;
    value = value < 255.0f ? value : 255.0f;
    bytes[x] = static_cast<uint8_t>(static_cast<int>(value));
  }
}

// One row of each colour; all the same row for a gray tensor.
struct ColorRows {
  const uint8_t* red;
  const uint8_t* green;
  const uint8_t* blue;
};

void PackRow(const ColorRows& rows, bool gray_tensor, PixelFormat format, uint8_t* target,
             int64_t count) {
  if (format == PixelFormat::kGray8) {
    for (int64_t x = 0; x < count; ++x) {
      target[x] = gray_tensor ? rows.red[x] : Luma(rows.red[x], rows.green[x], rows.blue[x]);
    }
    return;
  }
  const PixelLayout to = LayoutOf(format);
  for (int64_t x = 0; x < count; ++x, target += to.bytes) {
    target[to.red] = rows.red[x];
    target[to.green] = rows.green[x];
    target[to.blue] = rows.blue[x];
    if (to.alpha >= 0) target[to.alpha] = 255;
  }
}

template <typename T>
void DetensorizeRows(const TensorView& source, const TensorFormat& format, const TensorGrid& grid,
                     const MutableImageView& target) {
  std::vector<uint8_t> bytes(static_cast<size_t>(grid.width * grid.channels));
  std::array<Inverse, 3> inverse;
  for (int c = 0; c < 3; ++c) inverse[static_cast<size_t>(c)] = InverseOf(format, c);
  // A gray format answers 0 for all three.
  const PixelLayout order = LayoutOf(format.pixels);
  const ColorRows rows{bytes.data() + order.red * grid.width,
                       bytes.data() + order.green * grid.width,
                       bytes.data() + order.blue * grid.width};
  for (int64_t y = 0; y < grid.height; ++y) {
    for (int c = 0; c < grid.channels; ++c) {
      ToBytes(source.as<T>() + c * grid.channel_stride + y * grid.row_stride, grid.pixel_stride,
              inverse[static_cast<size_t>(c)], bytes.data() + c * grid.width, grid.width);
    }
    PackRow(rows, grid.channels == 1, target.format, target.row(y), grid.width);
  }
}

}  // namespace

Status Detensorize(const TensorView& source, const TensorFormat& format,
                   const MutableImageView& target) {
  MULLION_RETURN_IF_ERROR(CheckImage("the target image", target));
  MULLION_ASSIGN_OR_RETURN(const TensorGrid grid, CheckImageTensor(source, format));
  if (grid.width != target.width || grid.height != target.height) {
    return SizeMismatch(Describe(source), " does not fill an image of ", target.width, " by ",
                        target.height, " pixels: give one of ", grid.width, " by ", grid.height,
                        ", or a part of that size");
  }
  DispatchType(TypeList<float, Float16, uint8_t>{}, source.type, [&](auto tag) {
    DetensorizeRows<typename decltype(tag)::type>(source, format, grid, target);
  });
  return OkStatus();
}

}  // namespace mullion::image
