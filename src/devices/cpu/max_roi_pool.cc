// SPDX-License-Identifier: MIT
// MaxRoiPool: regions whose corners are rounded to pixels, cut into bins that may overlap by one
// pixel (Girshick, "Fast R-CNN", 2015). Bins without pixels give 0.
#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/roi_blocks.h"

namespace mullion::cpu {

namespace {

// Pixels [begin, end) of one bin along one axis.
struct Range {
  int64_t begin;
  int64_t end;
};

template <typename T>
Range BinRange(T first, T last, int64_t bin, int64_t bins, int64_t size) {
  const T extent = std::max(last - first + 1, T{1});
  const T step = extent / static_cast<T>(bins);
  const T begin = std::floor(static_cast<T>(bin) * step) + first;
  const T end = std::ceil(static_cast<T>(bin + 1) * step) + first;
  // Clamped before they become integers; NaN becomes the empty range.
  const T limit = static_cast<T>(size);
  if (!(begin <= end)) return {0, 0};
  return {static_cast<int64_t>(std::clamp(begin, T{0}, limit)),
          static_cast<int64_t>(std::clamp(end, T{0}, limit))};
}

template <typename T>
class MaxRoiPool final : public Executable {
 public:
  explicit MaxRoiPool(const Node& node)
      : height_(node.IntsAttribute("pooled_shape")[0]),
        width_(node.IntsAttribute("pooled_shape")[1]),
        scale_(static_cast<T>(node.FloatAttribute("spatial_scale", 1.0f))) {}

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& regions = context.Input(1);
    if (regions.shape[1] != 5) return context.Error("input 1 must have 5 columns");
    const int64_t count = regions.shape[0];
    const int64_t channels = image.shape[1];
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{count, channels, height_, width_}));
    for (int64_t r = 0; r < count; ++r) {
      const T index = regions.as<T>()[5 * r];
      if (!(index >= 0 && index < static_cast<T>(image.shape[0]))) {
        return context.Error("row ", r, " of input 1 names image ", static_cast<double>(index),
                             " but input 0 has ", image.shape[0]);
      }
    }
    const int64_t plane = image.shape[2] * image.shape[3];
    const int64_t bins = height_ * width_;
    ForRoiBlocks(count, channels, context.parallel(), [&](int64_t r, int64_t first, int64_t some) {
      const T* const region = regions.as<T>() + 5 * r;
      const int64_t offset = static_cast<int64_t>(region[0]) * channels + first;
      Pool(region + 1, image.as<T>() + offset * plane, image.shape[2], image.shape[3], some,
           output.as<T>() + (r * channels + first) * bins);
    });
    return OkStatus();
  }

 private:
  // Some channels of a region: its bins are the same in all of them.
  void Pool(const T* corners, const T* x, int64_t image_height, int64_t image_width,
            int64_t channels, T* y) const {
    T rounded[4];
    for (int i = 0; i < 4; ++i) rounded[i] = std::round(corners[i] * scale_);
    const int64_t bins = height_ * width_;
    for (int64_t bin = 0; bin < bins; ++bin) {
      const Range rows = BinRange(rounded[1], rounded[3], bin / width_, height_, image_height);
      const Range columns = BinRange(rounded[0], rounded[2], bin % width_, width_, image_width);
      const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
      for (int64_t c = 0; c < channels; ++c) {
        const T* const pixels = x + c * image_height * image_width;
        y[c * bins + bin] = empty ? T{0} : Greatest(pixels, image_width, rows, columns);
      }
    }
  }

  static T Greatest(const T* x, int64_t width, const Range& rows, const Range& columns) {
    T maximum = x[rows.begin * width + columns.begin];
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t column = columns.begin; column < columns.end; ++column) {
        maximum = std::max(maximum, x[row * width + column]);
      }
    }
    return maximum;
  }

  int64_t height_;
  int64_t width_;
  T scale_;
};

}  // namespace

void RegisterMaxRoiPool(KernelRegistry& registry) {
  registry.Add(
      {.name = "MaxRoiPool", .types = types::kFloat, .make = MakeKernel<MaxRoiPool<float>>});
  registry.Add({.name = "MaxRoiPool",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<MaxRoiPool<double>>});
}

}  // namespace mullion::cpu
