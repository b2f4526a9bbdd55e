// SPDX-License-Identifier: MIT
// GridSample of opset 20: linear, nearest and cubic sampling of images of any rank.
#include "operators/grid_sample.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/grid_samples.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using Mode = GridSampleParameters::Mode;

template <typename Number>
void ReadCoordinates(const TensorView& grid, int64_t first, int64_t count, Number* coordinates) {
  if (grid.type == ElementType::kDouble) {
    std::transform(grid.as<double>() + first, grid.as<double>() + first + count, coordinates,
                   [](double x) { return static_cast<Number>(x); });
  } else {
    std::copy_n(grid.as<float>() + first, count, coordinates);
  }
}

template <typename T>
using NumberFor = std::conditional_t<std::is_same_v<T, double>, double, float>;

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
    DispatchType(ImageTypes{}, sampling.image.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      using Number = NumberFor<T>;
      // Of the types that pictures have.
      if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, uint8_t>) {
        if (LinearSamples<Number>::Fits(parameters_, sampling.image.shape, sampling.parts)) {
          return Walk<T, LinearSamples<Number>>(sampling, parallel);
        }
      }
      Walk<T, AnySamples<Number>>(sampling, parallel);
    });
  }

  template <typename T, typename Samples>
  void Walk(const Sampling& sampling, Parallel& parallel) const {
    using Number = NumberFor<T>;
    const TensorView& image = sampling.image;
    const MutableTensorView& output = sampling.output;
    const int64_t parts = sampling.parts;
    constexpr int64_t kTile = Samples::kTile;
    const int rank = image.shape.rank() - 2;
    const int64_t channels = image.shape[1];
    const int64_t plane = image.shape.Product(2, image.shape.rank());
    const int64_t outputs = output.shape.Product(2, output.shape.rank());
    const int64_t tiles = (outputs + kTile - 1) / kTile;
    const int64_t work = kTile * sampling.taps * std::max<int64_t>(channels, 1);
    const int64_t chunk = std::max<int64_t>(kParallelElements / work, 1);
    parallel.For(image.shape[0] * tiles, chunk, [&](int64_t begin, int64_t end, int) {
      Samples samples;
      Number coordinates[kTile * kMaxRank];
      for (int64_t i = begin; i < end; ++i) {
        const int64_t n = i / tiles;
        const int64_t first = i % tiles * kTile;
        const int64_t count = std::min(kTile, outputs - first);
        ReadCoordinates(sampling.grid, (n * outputs + first) * rank, count * rank, coordinates);
        samples.Make(parameters_, image.shape, parts, coordinates, count);
        for (int64_t c = 0; c < channels * parts; ++c) {
          const int64_t before = n * channels + c / parts;
          samples.Take(image.as<T>() + before * plane * parts + c % parts,
                       output.as<T>() + (before * outputs + first) * parts + c % parts, parts);
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
