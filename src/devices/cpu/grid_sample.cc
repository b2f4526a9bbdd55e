// SPDX-License-Identifier: MIT
// GridSample of opset 20: linear, nearest and cubic sampling of images of any rank.
#include "operators/grid_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::GridSampleParameters;
using Mode = GridSampleParameters::Mode;
using Padding = GridSampleParameters::Padding;

// The most elements that one sample is made of: cubic in three dimensions, linear in six.
constexpr int kMaxTaps = 64;

// x mirrored into [low, high] as often as it takes.
template <typename Number>
Number Reflect(Number x, Number low, Number high) {
  const Number span = high - low;
  if (!(span > 0)) return low;
  const Number distance = std::fmod(std::abs(x - low), 2 * span);
  return low + (distance > span ? 2 * span - distance : distance);
}

// Position i of an axis of `size`, or -1 where the padding is zero.
int64_t PaddedPosition(Padding padding, bool align_corners, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  switch (padding) {
    case Padding::kZeros:
      return -1;
    case Padding::kBorder:
      return std::clamp<int64_t>(i, 0, size - 1);
    case Padding::kReflection: {
      const double edge = align_corners ? 0 : 0.5;
      const double x = Reflect(static_cast<double>(i), -edge, static_cast<double>(size - 1) + edge);
      return std::clamp<int64_t>(static_cast<int64_t>(x), 0, size - 1);
    }
  }
  return -1;
}

// Elements of one axis with their weights.
template <typename Number>
struct AxisTaps {
  int count = 0;
  int64_t position[4];  // -1 is a zero
  Number weight[4];
};

// Weights of the four elements around a coordinate that lies t behind the second of them: cubic
// convolution with a = -0.75, as the operator defines it.
template <typename Number>
void CubicWeights(Number t, Number* weights) {
  const Number a = static_cast<Number>(-0.75);
  const auto near = [a](Number x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](Number x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  weights[0] = far(t + 1);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = far(2 - t);
}

template <typename Number>
AxisTaps<Number> TapsAt(const GridSampleParameters& parameters, Number x, int64_t size) {
  const auto length = static_cast<Number>(size);
  // From [-1, 1] to elements: the ends are centers of elements, or their outer edges.
  Number at = parameters.align_corners ? (x + 1) / 2 * (length - 1) : ((x + 1) * length - 1) / 2;
  if (parameters.mode == Mode::kNearest) at = std::nearbyint(at);
  const Number low = parameters.align_corners ? Number{0} : static_cast<Number>(-0.5);
  const Number high = length - 1 - low;
  if (at < low || at > high) {
    if (parameters.padding == Padding::kBorder) at = std::clamp(at, Number{0}, length - 1);
    if (parameters.padding == Padding::kReflection) at = Reflect(at, low, high);
  }
  // Beyond this all that counts is that it is outside; NaN goes there too.
  at = at > -4 ? std::min(at, length + 4) : Number{-4};
  AxisTaps<Number> taps;
  const Number base = std::floor(at);
  auto first = static_cast<int64_t>(base);
  if (parameters.mode == Mode::kNearest) {
    taps.count = 1;
    taps.weight[0] = 1;
  } else if (parameters.mode == Mode::kLinear) {
    taps.count = 2;
    taps.weight[1] = at - base;
    taps.weight[0] = 1 - taps.weight[1];
  } else {
    taps.count = 4;
    CubicWeights(at - base, taps.weight);
    --first;
  }
  for (int k = 0; k < taps.count; ++k) {
    taps.position[k] =
        PaddedPosition(parameters.padding, parameters.align_corners, first + k, size);
  }
  return taps;
}

// What one sample is made of. Zeros have weight 0 and offset 0.
template <typename Number>
struct Sample {
  int64_t offset[kMaxTaps];
  Number weight[kMaxTaps];
};

// `coordinates` name the last axis first, as x, y, z. Elements are of `parts` numbers.
template <typename Number>
void MakeSample(const GridSampleParameters& parameters, const Shape& image, int64_t parts,
                const Number* coordinates, Sample<Number>& sample) {
  const int rank = image.rank() - 2;
  int count = 1;
  sample.offset[0] = 0;
  sample.weight[0] = 1;
  int64_t stride = parts;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = image.Back(i);
    const AxisTaps<Number> taps = TapsAt(parameters, coordinates[i], size);
    // From the last to the first, so that combinations still to be read are not overwritten.
    for (int c = count - 1; c >= 0; --c) {
      const int64_t offset = sample.offset[c];
      const Number weight = sample.weight[c];
      for (int k = taps.count - 1; k >= 0; --k) {
        const bool zero = taps.position[k] < 0;
        sample.offset[c * taps.count + k] = offset + (zero ? 0 : taps.position[k] * stride);
        sample.weight[c * taps.count + k] = zero ? Number{0} : weight * taps.weight[k];
      }
    }
    count *= taps.count;
    stride *= size;
  }
}

template <typename Number>
void ReadCoordinates(const TensorView& grid, int64_t first, int count, Number* coordinates) {
  for (int i = 0; i < count; ++i) {
    coordinates[i] = grid.type == ElementType::kDouble
                         ? static_cast<Number>(grid.as<double>()[first + i])
                         : static_cast<Number>(grid.as<float>()[first + i]);
  }
}

int TapCount(Mode mode, int rank) {
  const int each = mode == Mode::kNearest ? 1 : mode == Mode::kLinear ? 2 : 4;
  int count = 1;
  for (int i = 0; i < rank && count <= kMaxTaps; ++i) count *= each;
  return count;
}

template <typename T>
using NumberFor = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T, typename Number>
T ToElement(Number value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
    const double rounded = std::nearbyint(static_cast<double>(value));
    if (!(rounded > kLow)) return std::numeric_limits<T>::min();
    return rounded < kHigh ? static_cast<T>(rounded) : std::numeric_limits<T>::max();
  }
}

using ImageTypes = TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                            uint32_t, uint64_t>;

class GridSample final : public Executable {
 public:
  explicit GridSample(const GridSampleParameters& parameters) : parameters_(parameters) {}

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& grid = context.Input(1);
    const Result<Shape> shape = operators::GridSampleShape(image.shape, grid.shape);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.count() == 0) return OkStatus();
    if (image.count() == 0) return context.Error("input 0 has no elements to sample");
    const int taps = TapCount(parameters_.mode, image.shape.rank() - 2);
    if (taps > kMaxTaps) {
      return context.Error("input 0 is ", Describe(image), ", which has more dimensions than ",
                           "are supported: 3 with cubic interpolation, 6 with linear");
    }
    if (image.type == ElementType::kString) return PickTexts(context, image, grid, output);
    Sampling sampling{image, grid, taps, PartsOf(image.type), output};
    sampling.image.type = TypeOfParts(image.type);
    Dispatch(sampling, context.parallel());
    return OkStatus();
  }

 private:
  // Complex numbers are `parts` numbers of the image's type, side by side.
  struct Sampling {
    TensorView image, grid;
    int taps;
    int64_t parts;
    MutableTensorView output;
  };

  // The nearest texts, by their places among all of them, counted from 1: 0 is outside.
  Status PickTexts(const RunContext& context, const TensorView& image, const TensorView& grid,
                   const MutableTensorView& output) const {
    if (parameters_.mode != Mode::kNearest) {
      return context.Error("strings have no mean: attribute 'mode' must be nearest");
    }
    std::vector<double> places(static_cast<size_t>(image.count()));
    std::vector<double> picked(static_cast<size_t>(output.count()));
    std::iota(places.begin(), places.end(), 1.0);
    Sampling sampling{image, grid, 1, 1, output};
    sampling.image.type = sampling.output.type = ElementType::kDouble;
    sampling.image.data = places.data();
    sampling.output.data = picked.data();
    Dispatch(sampling, context.parallel());
    std::string* to = output.as<std::string>();
    for (const double place : picked) {
      *to++ = place == 0 ? "" : image.as<std::string>()[static_cast<int64_t>(place) - 1];
    }
    return OkStatus();
  }

  void Dispatch(const Sampling& sampling, Parallel& parallel) const {
    DispatchType(ImageTypes{}, sampling.image.type,
                 [&](auto tag) { Compute<typename decltype(tag)::type>(sampling, parallel); });
  }

  // Samples are made for a few outputs at a time and serve all channels.
  template <typename T>
  void Compute(const Sampling& sampling, Parallel& parallel) const {
    using Number = NumberFor<T>;
    const TensorView& image = sampling.image;
    const MutableTensorView& output = sampling.output;
    const int taps = sampling.taps;
    const int64_t parts = sampling.parts;
    constexpr int64_t kTile = 16;
    const int rank = image.shape.rank() - 2;
    const int64_t channels = image.shape[1];
    const int64_t plane = image.shape.Product(2, image.shape.rank());
    const int64_t outputs = output.shape.Product(2, output.shape.rank());
    const int64_t tiles = (outputs + kTile - 1) / kTile;
    const int64_t chunk =
        std::max<int64_t>(kParallelElements / (kTile * taps * std::max<int64_t>(channels, 1)), 1);
    parallel.For(image.shape[0] * tiles, chunk, [&](int64_t begin, int64_t end, int) {
      Sample<Number> samples[kTile];
      Number coordinates[kMaxRank];
      for (int64_t i = begin; i < end; ++i) {
        const int64_t n = i / tiles;
        const int64_t first = i % tiles * kTile;
        const int64_t count = std::min(kTile, outputs - first);
        for (int64_t j = 0; j < count; ++j) {
          ReadCoordinates(sampling.grid, (n * outputs + first + j) * rank, rank, coordinates);
          MakeSample(parameters_, image.shape, parts, coordinates, samples[j]);
        }
        for (int64_t c = 0; c < channels * parts; ++c) {
          const int64_t before = n * channels + c / parts;
          const T* const x = image.as<T>() + before * plane * parts + c % parts;
          T* const y = output.as<T>() + (before * outputs + first) * parts + c % parts;
          for (int64_t j = 0; j < count; ++j) {
            Number sum = 0;
            for (int k = 0; k < taps; ++k) {
              // A zero must stay one beside an infinite element.
              if (samples[j].weight[k] == 0) continue;
              sum += samples[j].weight[k] * static_cast<Number>(x[samples[j].offset[k]]);
            }
            y[j * parts] = ToElement<T>(sum);
          }
        }
      }
    });
  }

  GridSampleParameters parameters_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const GridSampleParameters parameters,
                           GridSampleParameters::FromNode(node));
  return std::unique_ptr<Executable>(std::make_unique<GridSample>(parameters));
}

Status Supports(const Node& node) {
  if (Contains(types::kFloatDouble, node.input(1)->type.element_type)) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "input 1 may be of float or double");
}

}  // namespace

void RegisterGridSample(KernelRegistry& registry) {
  registry.Add({.name = "GridSample",
                .since = 20,
                .types = ImageTypes::kSet | types::kString | kComplexTypes,
                .make = Make,
                .supports = Supports});
}

}  // namespace mullion::cpu
