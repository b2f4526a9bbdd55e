// SPDX-License-Identifier: MIT
// RoiAlign: regions of images, cut into bins, each the average or maximum of samples that are
// interpolated between pixels (He et al., "Mask R-CNN", 2017).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/str_cat.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// The most samples of a bin. Regions are data of the model's: one that is enormous must not take
// for ever.
constexpr double kMostSamples = 1 << 20;

// Channels that share the search for a sample's pixels, few enough that their planes' lines stay in
// the level 1 cache.
constexpr int64_t kChannelsAtOnce = 8;

// A sample along one axis: two positions and the weight of the second.
template <typename T>
struct AxisSample {
  int64_t low = 0;
  int64_t high = 0;
  T fraction = 0;
  bool outside = false;
};

template <typename T>
AxisSample<T> SampleAt(T x, int64_t size) {
  AxisSample<T> sample;
  // Up to one pixel outside, the edge goes on; NaN is outside.
  if (!(x >= -1 && x <= static_cast<T>(size))) {
    sample.outside = true;
    return sample;
  }
  x = std::max(x, T{0});
  sample.low = static_cast<int64_t>(x);
  if (sample.low >= size - 1) {
    sample.low = sample.high = size - 1;
  } else {
    sample.high = sample.low + 1;
    sample.fraction = x - static_cast<T>(sample.low);
  }
  return sample;
}

// One region, in pixels of its image.
template <typename T>
struct Region {
  T x, y;  // of its first corner
  T bin_width, bin_height;
  int64_t columns, rows;  // samples of a bin along each axis
};

template <typename T>
class RoiAlign final : public Executable {
 public:
  explicit RoiAlign(const Node& node)
      : takes_maximum_(node.StringAttribute("mode", "avg") == "max"),
        half_pixel_(node.StringAttribute("coordinate_transformation_mode", "half_pixel") ==
                    "half_pixel"),
        height_(node.IntAttribute("output_height", 1)),
        width_(node.IntAttribute("output_width", 1)),
        sampling_ratio_(node.IntAttribute("sampling_ratio", 0)),
        scale_(static_cast<T>(node.FloatAttribute("spatial_scale", 1.0f))) {}

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& regions = context.Input(1);
    const TensorView& batch = context.Input(2);
    const int64_t count = regions.shape[0];
    if (regions.shape[1] != 4 || batch.count() != count) {
      return context.Error(
          "input 1 must have 4 columns, and input 2 one element for each row of it");
    }
    const int64_t channels = image.shape[1];
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{count, channels, height_, width_}));
    if (output.count() == 0) return OkStatus();
    if (image.count() == 0) return context.Error("input 0 has no pixels");
    for (int64_t r = 0; r < count; ++r) {
      const int64_t index = batch.as<int64_t>()[r];
      if (index < 0 || index >= image.shape[0]) {
        return context.Error(StrCat("element ", r, " of input 2 is ", index, " but input 0 has ",
                                    image.shape[0], " images"));
      }
      const Region<T> region = RegionAt(regions.as<T>() + 4 * r);
      if (region.rows == 0) {
        return context.Error(
            StrCat("row ", r, " of input 1 is a region that is too large or not a number"));
      }
    }
    const int64_t plane = image.shape[2] * image.shape[3];
    const int64_t bins = height_ * width_;
    const int64_t blocks = (channels + kChannelsAtOnce - 1) / kChannelsAtOnce;
    context.parallel().For(count * blocks, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t r = i / blocks;
        const int64_t first = i % blocks * kChannelsAtOnce;
        const int64_t offset = batch.as<int64_t>()[r] * channels + first;
        Pool(RegionAt(regions.as<T>() + 4 * r), image.as<T>() + offset * plane, image.shape[2],
             image.shape[3], std::min(kChannelsAtOnce, channels - first),
             output.as<T>() + (r * channels + first) * bins);
      }
    });
    return OkStatus();
  }

 private:
  // With rows == 0 when it is too large, or not a number.
  Region<T> RegionAt(const T* corners) const {
    const T shift = half_pixel_ ? static_cast<T>(0.5) : T{0};
    Region<T> region{};
    region.x = corners[0] * scale_ - shift;
    region.y = corners[1] * scale_ - shift;
    T width = corners[2] * scale_ - shift - region.x;
    T height = corners[3] * scale_ - shift - region.y;
    if (!half_pixel_) {
      width = std::max(width, T{1});
      height = std::max(height, T{1});
    }
    region.bin_width = width / static_cast<T>(width_);
    region.bin_height = height / static_cast<T>(height_);
    const double columns = SamplesOf(region.bin_width);
    const double rows = SamplesOf(region.bin_height);
    if (!(columns * rows <= kMostSamples)) return region;
    // A region of no extent has samples as well: bins must not be empty.
    region.columns = std::max<int64_t>(static_cast<int64_t>(columns), 1);
    region.rows = std::max<int64_t>(static_cast<int64_t>(rows), 1);
    return region;
  }
  double SamplesOf(T bin) const {
    if (sampling_ratio_ > 0) return static_cast<double>(sampling_ratio_);
    return std::max(std::ceil(static_cast<double>(bin)), 0.0);
  }

  // Some channels of a region: where a sample lies is the same in all of them.
  void Pool(const Region<T>& region, const T* x, int64_t image_height, int64_t image_width,
            int64_t channels, T* y) const {
    const int64_t plane = image_height * image_width;
    const int64_t bins = height_ * width_;
    const T samples = static_cast<T>(region.rows * region.columns);
    for (int64_t bin = 0; bin < bins; ++bin) {
      const T top = region.y + static_cast<T>(bin / width_) * region.bin_height;
      const T left = region.x + static_cast<T>(bin % width_) * region.bin_width;
      T results[kChannelsAtOnce];
      std::fill_n(results, channels, takes_maximum_ ? -std::numeric_limits<T>::infinity() : T{0});
      for (int64_t row = 0; row < region.rows; ++row) {
        const T at = top + (static_cast<T>(row) + static_cast<T>(0.5)) * region.bin_height /
                               static_cast<T>(region.rows);
        const AxisSample<T> v = SampleAt(at, image_height);
        for (int64_t column = 0; column < region.columns; ++column) {
          const T across = left + (static_cast<T>(column) + static_cast<T>(0.5)) *
                                      region.bin_width / static_cast<T>(region.columns);
          const AxisSample<T> h = SampleAt(across, image_width);
          for (int64_t c = 0; c < channels; ++c) {
            const T* const pixels = x + c * plane;
            if (takes_maximum_) {
              results[c] = std::max(results[c], LargestTerm(pixels, image_width, v, h));
            } else {
              results[c] += Interpolate(pixels, image_width, v, h);
            }
          }
        }
      }
      for (int64_t c = 0; c < channels; ++c) {
        y[c * bins + bin] = takes_maximum_ ? results[c] : results[c] / samples;
      }
    }
  }

  static T Interpolate(const T* x, int64_t width, const AxisSample<T>& v, const AxisSample<T>& h) {
    if (v.outside || h.outside) return 0;
    const T* const upper = x + v.low * width;
    const T* const lower = x + v.high * width;
    const T above = (1 - h.fraction) * upper[h.low] + h.fraction * upper[h.high];
    const T below = (1 - h.fraction) * lower[h.low] + h.fraction * lower[h.high];
    return (1 - v.fraction) * above + v.fraction * below;
  }

  // What the maximum is taken of: not the interpolated value but each of its four terms. It is how
  // the operator's definition by example, and other implementations, have it.
  static T LargestTerm(const T* x, int64_t width, const AxisSample<T>& v, const AxisSample<T>& h) {
    if (v.outside || h.outside) return 0;
    const T* const upper = x + v.low * width;
    const T* const lower = x + v.high * width;
    return std::max({(1 - v.fraction) * (1 - h.fraction) * upper[h.low],
                     (1 - v.fraction) * h.fraction * upper[h.high],
                     v.fraction * (1 - h.fraction) * lower[h.low],
                     v.fraction * h.fraction * lower[h.high]});
  }

  bool takes_maximum_;
  bool half_pixel_;
  int64_t height_;
  int64_t width_;
  int64_t sampling_ratio_;  // 0: as many as a bin has pixels
  T scale_;
};

}  // namespace

void RegisterRoiAlign(KernelRegistry& registry) {
  registry.Add({.name = "RoiAlign", .types = types::kFloat, .make = MakeKernel<RoiAlign<float>>});
  registry.Add({.name = "RoiAlign",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<RoiAlign<double>>});
}

}  // namespace mullion::cpu
