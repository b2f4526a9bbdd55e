// SPDX-License-Identifier: MIT
// A byte has 256 values, so a table per channel gives range, mean, deviation and the element type's
// rounding in one load, the same for float and float16.
#include "image/tensorize.h"

#include "base/str_cat.h"

namespace mullion::image {

namespace {

constexpr int kByteValues = 256;

double InRange(PixelRange range, int value) {
  switch (range) {
    case PixelRange::kZeroToOne:
      return value / 255.0;
    case PixelRange::kMinusOneToOne:
      return value / 127.5 - 1.0;
    default:
      return value;
  }
}

template <typename T>
void FillTable(const TensorFormat& format, int channels, T* table) {
  for (int c = 0; c < channels; ++c) {
    const auto channel = static_cast<size_t>(c);
    for (int value = 0; value < kByteValues; ++value) {
      const double element =
          (InRange(format.range, value) - format.mean[channel]) / format.deviation[channel];
      *table++ = static_cast<T>(static_cast<float>(element));
    }
  }
}

}  // namespace

RowTensorizer::RowTensorizer(PixelFormat source, const TensorFormat& format, const TensorGrid& grid,
                             const MutableTensorView& target)
    : grid_(grid), target_(target) {
  if (grid.channels == 1 && source != PixelFormat::kGray8) {
    to_gray_ = ConverterFor(source, PixelFormat::kGray8);
    gray_row_.resize(static_cast<size_t>(grid.width));
    source = PixelFormat::kGray8;
  }
  const PixelLayout from = LayoutOf(source);
  pixel_bytes_ = from.bytes;
  // A tensor of BGR order has blue at 0, like the pixels it is named after.
  const PixelLayout order = LayoutOf(format.pixels);
  channel_offsets_[order.blue] = from.blue;
  channel_offsets_[order.green] = from.green;
  channel_offsets_[order.red] = from.red;

  tables_.resize(ByteSize(target.type, int64_t{kByteValues} * grid.channels));
  DispatchType(TypeList<float, Float16, uint8_t>{}, target.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    FillTable(format, grid.channels, reinterpret_cast<T*>(tables_.data()));
  });
}

template <typename T>
void RowTensorizer::WriteRow(const uint8_t* pixels, int64_t y) {
  const T* const tables = reinterpret_cast<const T*>(tables_.data());
  for (int c = 0; c < grid_.channels; ++c) {
    const T* const __restrict table = tables + c * kByteValues;
    const uint8_t* const __restrict channel = pixels + channel_offsets_[c];
    T* const __restrict out = target_.as<T>() + c * grid_.channel_stride + y * grid_.row_stride;
    const int64_t pixel_stride = grid_.pixel_stride;
    const int64_t pixel_bytes = pixel_bytes_;
    for (int64_t x = 0; x < grid_.width; ++x)
      out[x * pixel_stride] = table[channel[x * pixel_bytes]];
  }
}

void RowTensorizer::Row(const uint8_t* pixels, int64_t y) {
  if (to_gray_ != nullptr) {
    to_gray_(pixels, gray_row_.data(), grid_.width);
    pixels = gray_row_.data();
  }
  switch (target_.type) {
    case ElementType::kFloat:
      return WriteRow<float>(pixels, y);
    case ElementType::kFloat16:
      return WriteRow<Float16>(pixels, y);
    default:
      return WriteRow<uint8_t>(pixels, y);
  }
}

Status Tensorize(const ImageView& source, const TensorFormat& format,
                 const MutableTensorView& target) {
  MULLION_RETURN_IF_ERROR(CheckImage("the image to bind", source));
  MULLION_ASSIGN_OR_RETURN(const TensorGrid grid, CheckImageTensor(target, format));
  if (grid.width != source.width || grid.height != source.height) {
    return SizeMismatch("an image of ", source.width, " by ", source.height,
                        " pixels does not fill ", Describe(target), ": scale it to ", grid.width,
                        " by ", grid.height, " first");
  }
  RowTensorizer tensorizer(source.format, format, grid, target);
  for (int64_t y = 0; y < source.height; ++y) tensorizer.Row(source.row(y), y);
  return OkStatus();
}

}  // namespace mullion::image
