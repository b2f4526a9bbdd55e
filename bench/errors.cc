// SPDX-License-Identifier: MIT
// Errors of the float kernels against double precision, one line for every layer and form that may
// compute it: the largest one and the root of the mean square, as shares of the output's range.
//
// Inputs are like those inside a trained network: normal numbers behind a Relu, and weights of
// normal numbers whose sums keep the variance. Half precision is computed by plain tiles that give
// the bits of the processor's own, so that it is measured on any machine with AVX-512.
//
//   bench_errors                     with the best instructions of the machine
//   MULLION_CPU=avx2 bench_errors    with others
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/folded_stride.h"
#include "devices/cpu/kernels/convolution/fourier_convolution.h"
#include "devices/cpu/kernels/convolution/half_convolution.h"
#include "devices/cpu/kernels/convolution/large_kernel.h"
#include "devices/cpu/kernels/convolution/thin_winograd.h"
#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/kernels/matrix/half_product.h"
#include "devices/cpu/kernels/matrix/strassen.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/plain_half_tile.h"

namespace mullion::cpu {
namespace {

constexpr int kSamples = 20'000;  // outputs that are computed in double
constexpr int64_t kHalfLanes = 16;

std::vector<float> Normal(int64_t count, double deviation, bool relu, std::mt19937& random) {
  std::normal_distribution<float> values(0.0f, static_cast<float>(deviation));
  std::vector<float> result(static_cast<size_t>(count));
  for (float& x : result) x = relu ? std::max(0.0f, values(random)) : values(random);
  return result;
}

// What keeps the variance of sums of `terms` products whose left factor is behind a Relu.
double DeviationFor(int64_t terms) { return std::sqrt(2.0 / static_cast<double>(terms)); }

// Outputs of a layer that were computed in double, by their place in memory.
struct Reference {
  std::vector<size_t> places;
  std::vector<double> values;
};

// Compares what `name` computed and prints a line.
void Report(const std::string& layer, const char* name, const Reference& reference,
            const float* out) {
  const auto [low, high] = std::minmax_element(reference.values.begin(), reference.values.end());
  const double range = *high - *low;
  double largest = 0;
  double squares = 0;
  for (size_t i = 0; i < reference.places.size(); ++i) {
    const double error =
        std::abs(static_cast<double>(out[reference.places[i]]) - reference.values[i]);
    largest = std::max(largest, error);
    squares += error * error;
  }
  const double mean = std::sqrt(squares / static_cast<double>(reference.places.size()));
  std::printf("| %s | %s | %.1e | %.1e |\n", layer.c_str(), name, largest / range, mean / range);
}

// One way to compute a convolution.
struct ConvolutionForm {
  const char* name;
  bool (*takes)(const ConvolutionShape& shape);
  size_t (*packed_floats)(const ConvolutionShape& shape);
  void (*pack)(const float* weights, const ConvolutionShape& shape, float* packed);
  std::unique_ptr<ConvolutionPlan> (*plan)(const ConvolutionShape& shape);
};

template <class Plan>
std::unique_ptr<ConvolutionPlan> MakePlan(const ConvolutionShape& shape) {
  return std::make_unique<Plan>(shape);
}

const ConvolutionForm kConvolutionForms[] = {
    {"direct", [](const ConvolutionShape&) { return true; },
     [](const ConvolutionShape& s) {
       return PackedConvolutionFloats(s.out_channels, 1, s.in_channels, s.Taps());
     },
     [](const float* weights, const ConvolutionShape& s, float* packed) {
       PackConvolution(weights, s.out_channels, 1, s.in_channels, s.Taps(), packed);
     },
     MakePlan<Convolution>},
    {"Winograd", [](const ConvolutionShape& s) { return UsesWinograd(s) && !IsThinWinograd(s); },
     PackedWinogradFloats,
     [](const float* weights, const ConvolutionShape& s, float* packed) {
       PackWinograd(weights, s, packed);
     },
     MakePlan<Winograd>},
    {"thin Winograd", IsThinWinograd, PackedWinogradFloats,
     [](const float* weights, const ConvolutionShape& s, float* packed) {
       PackWinograd(weights, s, packed);
     },
     MakePlan<ThinWinograd>},
    {"folded stride", UsesFoldedStride, PackedFoldedStrideFloats, PackFoldedStride,
     MakePlan<FoldedStride>},
    {"Fourier", UsesFourier, PackedFourierFloats, PackFourier, MakePlan<FourierConvolution>},
    {"blocks of F(3, 3)",
     [](const ConvolutionShape& s) { return UsesLargeKernel(s) && !UsesWinograd(s); },
     PackedLargeKernelFloats, PackLargeKernel, MakePlan<LargeKernel>},
    {"half", [](const ConvolutionShape& s) { return GainsFromHalf(s); },
     PackedHalfConvolutionFloats, PackHalfConvolution,
     [](const ConvolutionShape& s) -> std::unique_ptr<ConvolutionPlan> {
       return std::make_unique<HalfConvolution>(s, &FindPlainHalfTile);
     }},
};

// A square image, channels in and out, kernel side, stride; whether the graph fixes the size.
struct Layer {
  int64_t side, in, out, kernel, stride;
  bool fixed;

  std::string Name() const {
    std::string name = std::to_string(side) + "², " + std::to_string(in) + "→" +
                       std::to_string(out) + ", " + std::to_string(kernel) + "×" +
                       std::to_string(kernel);
    if (stride > 1) name += " /" + std::to_string(stride);
    if (fixed) name += ", fixed size";
    return name;
  }
  ConvolutionShape Shape() const {
    const int64_t pad = (kernel - 1) / 2;
    const int64_t output = (side + 2 * pad - kernel) / stride + 1;
    ConvolutionShape shape;
    shape.in_channels = in;
    shape.out_channels = out;
    shape.spatial_rank = 2;
    shape.axes[0] = shape.axes[1] = {side, output, kernel, stride, 1, pad};
    shape.fixed = fixed;
    return shape;
  }
};

const Layer kLayers[] = {
    {56, 64, 64, 3, 1, false},   {48, 64, 64, 3, 1, true},   {28, 128, 128, 3, 1, false},
    {14, 256, 256, 3, 1, false}, {7, 512, 512, 3, 1, false}, {56, 128, 128, 3, 2, false},
    {28, 64, 64, 5, 1, false},   {13, 64, 256, 3, 1, true},  {64, 3, 32, 3, 1, true},
    {224, 3, 64, 7, 2, true},    {416, 3, 16, 6, 2, true},   {256, 16, 3, 9, 1, false},
    {128, 16, 16, 7, 1, false},  {56, 64, 256, 1, 1, false}, {14, 1024, 256, 1, 1, false},
};

// The sum of one output, from an image of channels last and weights in ONNX's order.
double Sum(const ConvolutionShape& shape, const float* input, const float* weights, int64_t pixel,
           int64_t channel) {
  const ConvolutionShape::Axis& axis = shape.axes[0];  // both are alike
  const int64_t y = pixel / axis.output * axis.stride - axis.pad;
  const int64_t x = pixel % axis.output * axis.stride - axis.pad;
  const float* const kernel = weights + channel * shape.in_channels * shape.Taps();
  double sum = 0;
  for (int64_t ky = std::max<int64_t>(0, -y); ky < std::min(axis.kernel, axis.input - y); ++ky) {
    for (int64_t kx = std::max<int64_t>(0, -x); kx < std::min(axis.kernel, axis.input - x); ++kx) {
      const float* const from = input + ((y + ky) * axis.input + x + kx) * shape.in_channels;
      for (int64_t c = 0; c < shape.in_channels; ++c) {
        sum += static_cast<double>(from[c]) *
               static_cast<double>(kernel[c * shape.Taps() + ky * axis.kernel + kx]);
      }
    }
  }
  return sum;
}

void MeasureLayer(const Layer& layer) {
  std::mt19937 random(1);
  const ConvolutionShape shape = layer.Shape();
  const int64_t terms = layer.in * shape.Taps();
  const std::vector<float> input = Normal(layer.side * layer.side * layer.in, 1, true, random);
  const std::vector<float> weights = Normal(layer.out * terms, DeviationFor(terms), false, random);
  const int64_t outputs = shape.OutputPixels() * layer.out;
  Reference reference;
  for (int i = 0; i < kSamples; ++i) {
    const auto place = std::uniform_int_distribution<int64_t>(0, outputs - 1)(random);
    reference.places.push_back(static_cast<size_t>(place));
    reference.values.push_back(
        Sum(shape, input.data(), weights.data(), place / layer.out, place % layer.out));
  }
  for (const ConvolutionForm& form : kConvolutionForms) {
    if (!form.takes(shape)) continue;
    if (form.name == std::string("half") && ColumnBlocks::Of(1).lanes != kHalfLanes) continue;
    const AlignedBuffer packed(AllocateAligned(form.packed_floats(shape) * sizeof(float)));
    form.pack(weights.data(), shape, static_cast<float*>(packed.get()));
    const std::unique_ptr<ConvolutionPlan> plan = form.plan(shape);
    const AlignedBuffer scratch(AllocateAligned(plan->ScratchBytes(1)));
    std::vector<float> out(static_cast<size_t>(outputs));
    SerialParallel serial;
    plan->Run(input.data(), static_cast<const float*>(packed.get()), out.data(), layer.out,
              Epilogue(), scratch.get(), serial);
    Report(layer.Name(), form.name, reference, out.data());
  }
}

struct Product {
  int64_t rows, depth, columns;
};

const Product kProducts[] = {
    {128, 384, 384}, {128, 1536, 384}, {196, 256, 1024}, {384, 1024, 1024}, {64, 4096, 1024}};

void MeasureProduct(const Product& size) {
  std::mt19937 random(2);
  const std::vector<float> left = Normal(size.rows * size.depth, 1, true, random);
  const std::vector<float> right =
      Normal(size.depth * size.columns, DeviationFor(size.depth), false, random);
  Reference reference;
  for (int i = 0; i < kSamples; ++i) {
    const auto place =
        std::uniform_int_distribution<int64_t>(0, size.rows * size.columns - 1)(random);
    double sum = 0;
    for (int64_t k = 0; k < size.depth; ++k) {
      sum +=
          static_cast<double>(left[static_cast<size_t>(place / size.columns * size.depth + k)]) *
          static_cast<double>(right[static_cast<size_t>(k * size.columns + place % size.columns)]);
    }
    reference.places.push_back(static_cast<size_t>(place));
    reference.values.push_back(sum);
  }
  const std::string name = std::to_string(size.rows) + "×" + std::to_string(size.depth) + "×" +
                           std::to_string(size.columns);
  const RightSource source = RightSource::RowMajor(right.data(), size.depth, size.columns);
  const AlignedBuffer packed(AllocateAligned(
      static_cast<size_t>(PackedStrassenFloats(size.depth, size.columns)) * sizeof(float) * 2));
  auto* const weights = static_cast<float*>(packed.get());
  std::vector<float> out(static_cast<size_t>(size.rows * size.columns));
  SerialParallel serial;
  const PlainRows rows{left.data(), size.depth};

  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.blocks = ColumnBlocks::Of(size.columns);
  product.right = weights;
  product.out = out.data();
  product.out_stride = size.columns;
  PackRight(source, product.blocks, weights);
  AlignedBuffer scratch(AllocateAligned(MatrixScratchBytes(product, 1)));
  MultiplyMatrix(product, rows, scratch.get(), serial);
  Report(name, "direct", reference, out.data());

  if (UsesStrassen(size.depth, size.columns)) {
    WeightProduct halved;
    halved.rows = halved.rows_together = size.rows;
    halved.depth = size.depth;
    halved.columns = halved.out_stride = size.columns;
    halved.packed = weights;
    halved.out = out.data();
    PackStrassen(source, size.columns, weights);
    scratch = AlignedBuffer(AllocateAligned(StrassenScratchBytes(halved, 1)));
    MultiplyStrassen(halved, rows, scratch.get(), serial);
    Report(name, "Strassen", reference, out.data());
  }
  if (product.blocks.lanes == kHalfLanes) {
    PackHalfRight(source, product.blocks, weights);
    UseHalf(product, &FindPlainHalfTile);
    scratch = AlignedBuffer(AllocateAligned(MatrixScratchBytes(product, 1)));
    MultiplyHalf(product, rows, size.depth, scratch.get(), serial);
    Report(name, "half", reference, out.data());
  }
}

int Main() {
  if (const Status forced = CheckForcedIsa(); !forced.ok()) {
    std::fprintf(stderr, "bench_errors: %s\n", forced.message().c_str());
    return 2;
  }
  std::printf("| layer, %s | form | largest | root of the mean square |\n",
              std::string(IsaName(CurrentIsa())).c_str());
  std::printf("| --- | --- | ---: | ---: |\n");
  for (const Layer& layer : kLayers) MeasureLayer(layer);
  for (const Product& size : kProducts) MeasureProduct(size);
  return 0;
}

}  // namespace
}  // namespace mullion::cpu

int main() { return mullion::cpu::Main(); }
