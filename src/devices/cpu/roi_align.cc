// SPDX-License-Identifier: MIT
// RoiAlign: regions of images, cut into bins, each the average or maximum of samples that are
// interpolated between pixels (He et al., "Mask R-CNN", 2017).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/str_cat.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/roi_blocks.h"

namespace mullion::cpu {

namespace {

// The most samples of a bin. Regions are data of the model's: one that is enormous must not take
// for ever.
constexpr double kMostSamples = 1 << 20;

// A sample along one axis: two neighbouring positions, of which an axis of one position has only
// the first, and the weight of the second.
template <typename T>
struct AxisSample {
  int64_t low = 0;
  T fraction = 0;
  bool outside = false;
};

template <typename T>
AxisSample<T> SampleAt(T x, int64_t size) {
  // Up to one pixel outside, the edge goes on; NaN is outside.
  if (!(x >= -1 && x <= static_cast<T>(size))) return {0, 0, true};
  if (size == 1) return {0, 0, false};
  x = std::clamp(x, T{0}, static_cast<T>(size - 1));
  const int64_t low = std::min(static_cast<int64_t>(x), size - 2);
  return {low, x - static_cast<T>(low), false};
}

// The weights of the four pixels around a sample, upper left, upper right, lower left, lower right,
// and where the two lines of them begin in a plane.
template <typename T>
struct Corners {
  Corners(const AxisSample<T>& v, const AxisSample<T>& h, int64_t height, int64_t width)
      : upper(v.low * width + h.low),
        lower(height > 1 ? upper + width : upper),
        pairs(width > 1),
        weights{(1 - v.fraction) * (1 - h.fraction), (1 - v.fraction) * h.fraction,
                v.fraction * (1 - h.fraction), v.fraction * h.fraction} {}

  int64_t upper, lower;
  bool pairs;
  T weights[4];
};

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
        return context.Error("element ", r, " of input 2 is ", index, " but input 0 has ",
                             image.shape[0], " images");
      }
      const Region<T> region = RegionAt(regions.as<T>() + 4 * r);
      if (region.rows == 0) {
        return context.Error("row ", r,
                             " of input 1 is a region that is too large or not a number");
      }
    }
    const int64_t plane = image.shape[2] * image.shape[3];
    const int64_t bins = height_ * width_;
    ForRoiBlocks(count, channels, context.parallel(), [&](int64_t r, int64_t first, int64_t some) {
      const int64_t offset = batch.as<int64_t>()[r] * channels + first;
      Pool(RegionAt(regions.as<T>() + 4 * r), image.as<T>() + offset * plane, image.shape[2],
           image.shape[3], some, output.as<T>() + (r * channels + first) * bins);
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
      T results[kRoiChannels];
      std::fill_n(results, channels, takes_maximum_ ? -std::numeric_limits<T>::infinity() : T{0});
      for (int64_t row = 0; row < region.rows; ++row) {
        const T at = top + (static_cast<T>(row) + static_cast<T>(0.5)) * region.bin_height /
                               static_cast<T>(region.rows);
        const AxisSample<T> v = SampleAt(at, image_height);
        for (int64_t column = 0; column < region.columns; ++column) {
          const T across = left + (static_cast<T>(column) + static_cast<T>(0.5)) *
                                      region.bin_width / static_cast<T>(region.columns);
          const AxisSample<T> h = SampleAt(across, image_width);
          if (v.outside || h.outside) {
            for (int64_t c = 0; takes_maximum_ && c < channels; ++c) {
              results[c] = std::max(results[c], T{0});
            }
          } else {
            const Corners<T> corners(v, h, image_height, image_width);
            takes_maximum_ ? AddSample<true>(corners, x, plane, channels, results)
                           : AddSample<false>(corners, x, plane, channels, results);
          }
        }
      }
      for (int64_t c = 0; c < channels; ++c) {
        y[c * bins + bin] = takes_maximum_ ? results[c] : results[c] / samples;
      }
    }
  }

  // The maximum is taken of the four terms and not of the interpolated value: it is how the
  // operator's definition by example, and other implementations, have it.
  template <bool kMaximum>
  static void AddSample(const Corners<T>& corners, const T* x, int64_t plane, int64_t channels,
                        T* results) {
    const auto [a, b, c, d] = corners.weights;
    const int64_t right = corners.pairs ? 1 : 0;
    const T* upper = x + corners.upper;
    const T* lower = x + corners.lower;
    for (int64_t i = 0; i < channels; ++i, upper += plane, lower += plane) {
      const T above = a * upper[0], above_right = b * upper[right];
      const T below = c * lower[0], below_right = d * lower[right];
      results[i] = kMaximum ? std::max(std::max(results[i], std::max(above, above_right)),
                                       std::max(below, below_right))
                            : results[i] + ((above + above_right) + (below + below_right));
    }
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
