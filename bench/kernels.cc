// SPDX-License-Identifier: MIT
// Speed of the float kernels, one thread, on every instruction level of this machine: GFLOP/s, and
// the share of the peak that a loop of multiply-adds in registers reaches.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/kernels.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Floating-point operations that `iterations` steps of independent multiply-adds made.
double SpinMultiplyAdds(int64_t iterations, float* sink) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  constexpr int kChains = 12;
  hn::Vec<decltype(d)> sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  const auto factor = hn::Set(d, 0.5f);
  const auto term = hn::Set(d, 1e-3f);
  for (int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = hn::MulAdd(sums[i], factor, term);
  }
  for (int i = 0; i < kChains; ++i) *sink += hn::GetLane(sums[i]);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(iterations);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/depthwise.h"
#include "devices/cpu/kernels/convolution/folded_stride.h"
#include "devices/cpu/kernels/convolution/fourier_convolution.h"
#include "devices/cpu/kernels/convolution/half_convolution.h"
#include "devices/cpu/kernels/convolution/large_kernel.h"
#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"
#include "devices/cpu/kernels/matrix/strassen.h"

namespace mullion::cpu {
namespace {

double PeakFlops() {
  static std::map<Isa, double> peaks;
  double& peak = peaks[CurrentIsa()];
  if (peak > 0) return peak;
  float sink = 0;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double flops = MULLION_SIMD_CALL(SpinMultiplyAdds)(100'000, &sink);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    peak = std::max(peak, flops / time.count());
  }
  benchmark::DoNotOptimize(sink);
  return peak;
}

// Runs `step` for the benchmark's time and reports its fastest run: other work on the machine only
// ever makes one slower.
template <typename Step>
void Measure(benchmark::State& state, double flops, double bytes, Step step) {
  double best = 1e30;
  for (auto unused : state) {
    const auto start = std::chrono::steady_clock::now();
    step();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count());
    (void)unused;
  }
  state.counters["GFLOP/s"] = flops / best * 1e-9;
  state.counters["peak"] = flops / best / PeakFlops();
  state.counters["GB/s"] = bytes / best * 1e-9;
  state.counters["us"] = best * 1e6;
}

struct Floats {
  explicit Floats(int64_t count)
      : memory(AllocateAligned(static_cast<size_t>(count) * sizeof(float))) {
    for (int64_t i = 0; i < count; ++i) data()[i] = static_cast<float>(i % 13 - 6) / 64.0f;
  }
  float* data() const { return static_cast<float*>(memory.get()); }
  AlignedBuffer memory;
};

// A square layer: image side, channels in and out, kernel side, stride, dilation.
struct Layer {
  int64_t side, in, out, kernel, stride;
  int64_t dilation = 1;
  std::string Name() const {
    return std::to_string(side) + "^2 " + std::to_string(in) + "->" + std::to_string(out) + " k" +
           std::to_string(kernel) + " s" + std::to_string(stride) +
           (dilation == 1 ? "" : " d" + std::to_string(dilation));
  }
  ConvolutionShape Shape() const {
    const int64_t pad = (kernel - 1) / 2 * dilation;
    const int64_t output = (side + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
    ConvolutionShape shape;
    shape.in_channels = in;
    shape.out_channels = out;
    shape.spatial_rank = 2;
    shape.axes[0] = shape.axes[1] = {side, output, kernel, stride, dilation, pad};
    return shape;
  }
};

const Layer kLayers[] = {
    {56, 64, 64, 3, 1},   {56, 64, 256, 1, 1},  {56, 256, 64, 1, 1},   {28, 128, 128, 3, 1},
    {28, 512, 128, 1, 1}, {14, 256, 256, 3, 1}, {14, 1024, 256, 1, 1}, {7, 512, 512, 3, 1},
    {56, 128, 128, 3, 2}, {112, 32, 64, 1, 1},  {112, 16, 96, 1, 1},   {28, 192, 32, 1, 1},
    {28, 100, 100, 3, 1}, {80, 48, 48, 3, 1},   {7, 512, 2048, 1, 1},  {224, 3, 64, 7, 2},
    {224, 3, 32, 3, 2},   {208, 12, 16, 3, 1},  {256, 32, 3, 9, 1},    {256, 64, 1, 1, 1},
    {160, 16, 16, 1, 1},  {80, 32, 32, 1, 1},   {56, 24, 144, 1, 1},   {28, 116, 116, 1, 1},
    {28, 256, 256, 3, 2}, {100, 32, 64, 3, 2},
};

const Layer kColdLayers[] = {{7, 512, 512, 3, 1}, {7, 512, 2048, 1, 1}, {14, 256, 256, 3, 1}};
constexpr int64_t kCopies = 16;

void BenchWinograd(benchmark::State& state, Isa isa, const Layer& layer) {
  SetIsaForTest(isa);
  const ConvolutionShape shape = layer.Shape();
  const Winograd convolution(shape);
  const Floats input(layer.side * layer.side * layer.in);
  const Floats weights(layer.out * layer.in * 9);
  const Floats packed(static_cast<int64_t>(PackedWinogradFloats(shape)));
  PackWinograd(weights.data(), shape, packed.data());
  const Floats out(shape.OutputPixels() * layer.out);
  const Floats bias(layer.out);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation.kind = Activation::Kind::kRelu;
  const AlignedBuffer scratch(AllocateAligned(convolution.ScratchBytes(1)));
  SerialParallel serial;
  // Counted as the direct form's arithmetic.
  const double multiplies = static_cast<double>(shape.OutputPixels() * layer.out * layer.in * 9);
  Measure(state, 2 * multiplies, 0, [&] {
    convolution.Run(input.data(), packed.data(), out.data(), layer.out, epilogue, scratch.get(),
                    serial);
  });
}

const Layer kLargeKernels[] = {
    {720, 16, 3, 9, 1}, {800, 3, 16, 9, 1}, {256, 32, 3, 9, 1},  {112, 8, 1, 5, 1},
    {56, 64, 64, 5, 1}, {28, 12, 24, 5, 1}, {128, 16, 16, 7, 1},
};

const Layer kFirstLayers[] = {
    {224, 3, 64, 7, 2},  {416, 3, 16, 6, 2}, {640, 3, 32, 6, 2},
    {227, 3, 96, 11, 4}, {224, 3, 32, 5, 2},
};

template <class Plan>
void BenchLargeKernel(benchmark::State& state, Isa isa, const Layer& layer,
                      size_t (*packed_floats)(const ConvolutionShape&),
                      void (*pack)(const float*, const ConvolutionShape&, float*)) {
  SetIsaForTest(isa);
  const ConvolutionShape shape = layer.Shape();
  const Plan convolution(shape);
  const Floats input(layer.side * layer.side * layer.in);
  const Floats weights(layer.out * layer.in * shape.Taps());
  const Floats packed(static_cast<int64_t>(packed_floats(shape)));
  pack(weights.data(), shape, packed.data());
  const Floats out(shape.OutputPixels() * layer.out);
  const Floats bias(layer.out);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation.kind = Activation::Kind::kRelu;
  const AlignedBuffer scratch(AllocateAligned(convolution.ScratchBytes(1)));
  SerialParallel serial;
  // Counted as the direct form's arithmetic.
  const double multiplies =
      static_cast<double>(shape.OutputPixels() * layer.out * layer.in * shape.Taps());
  Measure(state, 2 * multiplies, 0, [&] {
    convolution.Run(input.data(), packed.data(), out.data(), layer.out, epilogue, scratch.get(),
                    serial);
  });
}

// With more than one copy of the weights each run finds other ones, as the layers of a large model
// do: they come from memory.
void BenchConvolution(benchmark::State& state, Isa isa, const Layer& layer, int64_t copies) {
  SetIsaForTest(isa);
  const ConvolutionShape shape = layer.Shape();
  const Convolution convolution(shape);
  const int64_t taps = shape.Taps();
  const Floats input(layer.side * layer.side * layer.in);
  const Floats weights(layer.out * layer.in * taps);
  const auto packed_floats =
      static_cast<int64_t>(PackedConvolutionFloats(layer.out, 1, layer.in, taps));
  const Floats packed(packed_floats * copies);
  for (int64_t i = 0; i < copies; ++i) {
    PackConvolution(weights.data(), layer.out, 1, layer.in, taps,
                    packed.data() + i * packed_floats);
  }
  const Floats out(shape.OutputPixels() * layer.out);
  const Floats bias(layer.out);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation.kind = Activation::Kind::kRelu;
  const AlignedBuffer scratch(AllocateAligned(convolution.ScratchBytes(1)));
  SerialParallel serial;
  const double multiplies = static_cast<double>(shape.OutputPixels() * layer.out * layer.in * taps);
  int64_t copy = 0;
  Measure(state, 2 * multiplies, 0, [&] {
    convolution.Run(input.data(), packed.data() + copy * packed_floats, out.data(), layer.out,
                    epilogue, scratch.get(), serial);
    copy = (copy + 1) % copies;
  });
}

// The same in half precision; the peak is that of float.
void BenchHalfConvolution(benchmark::State& state, const Layer& layer, int64_t copies) {
  SetIsaForTest(Isa::kAvx512Fp16);
  const ConvolutionShape shape = layer.Shape();
  const HalfConvolution convolution(shape, HalfTiles());
  const Floats input(layer.side * layer.side * layer.in);
  const Floats weights(layer.out * layer.in * shape.Taps());
  const auto packed_floats = static_cast<int64_t>(PackedHalfConvolutionFloats(shape));
  const Floats packed(packed_floats * copies);
  for (int64_t i = 0; i < copies; ++i) {
    PackHalfConvolution(weights.data(), shape, packed.data() + i * packed_floats);
  }
  const Floats out(shape.OutputPixels() * layer.out);
  const Floats bias(layer.out);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation.kind = Activation::Kind::kRelu;
  const AlignedBuffer scratch(AllocateAligned(convolution.ScratchBytes(1)));
  SerialParallel serial;
  const double multiplies =
      static_cast<double>(shape.OutputPixels() * layer.out * layer.in * shape.Taps());
  int64_t copy = 0;
  Measure(state, 2 * multiplies, 0, [&] {
    convolution.Run(input.data(), packed.data() + copy * packed_floats, out.data(), layer.out,
                    epilogue, scratch.get(), serial);
    copy = (copy + 1) % copies;
  });
}

const Layer kDepthwiseLayers[] = {
    {112, 32, 32, 3, 1},     {112, 96, 96, 3, 2},     {56, 144, 144, 3, 1}, {28, 192, 192, 3, 1},
    {14, 576, 576, 3, 1},    {14, 672, 672, 5, 1},    {28, 240, 240, 5, 2}, {28, 192, 192, 7, 1},
    {160, 16, 16, 3, 1},     {80, 64, 64, 3, 1},      {20, 64, 64, 3, 1},   {7, 544, 544, 3, 1},
    {33, 192, 192, 3, 1, 2}, {33, 480, 480, 3, 1, 4}, {33, 480, 480, 3, 1}, {33, 96, 96, 3, 1, 2},
    {33, 96, 96, 3, 1},
};

void BenchDepthwise(benchmark::State& state, Isa isa, const Layer& layer) {
  SetIsaForTest(isa);
  ConvolutionShape shape = layer.Shape();
  shape.groups = layer.in;
  const Depthwise depthwise(shape);
  const Floats input(layer.side * layer.side * layer.in);
  const Floats packed(shape.Taps() * layer.in);
  const Floats out(shape.OutputPixels() * layer.in);
  const Floats bias(layer.in);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation.kind = Activation::Kind::kRelu;
  const AlignedBuffer scratch(AllocateAligned(depthwise.ScratchBytes(1)));
  SerialParallel serial;
  const auto outputs = static_cast<double>(shape.OutputPixels() * layer.in);
  const auto inputs = static_cast<double>(layer.side * layer.side * layer.in);
  Measure(state, 2 * outputs * static_cast<double>(shape.Taps()), 4 * (inputs + outputs), [&] {
    depthwise.Run(input.data(), packed.data(), out.data(), layer.in, epilogue, scratch.get(),
                  serial);
  });
}

// Rows, depth and columns of a plain product with packed weights.
struct Product {
  int64_t rows, depth, columns;
};

const Product kProducts[] = {
    {1, 2048, 1000},   {1, 4096, 4096},    {4, 768, 3072},  {128, 768, 3072}, {384, 1024, 1024},
    {512, 4096, 1024}, {1024, 1024, 4096}, {128, 384, 384}, {128, 384, 1536}, {128, 1536, 384},
    {196, 256, 1024},  {196, 1024, 256},   {784, 128, 512}, {784, 512, 128},  {169, 512, 1000}};

// The memory of a product.
struct Operands {
  Operands(const Product& size, int64_t packed_floats)
      : left(size.rows * size.depth),
        right(size.depth * size.columns),
        packed(packed_floats),
        out(size.rows * size.columns) {}
  const Floats left, right, packed, out;
};

RightSource RowMajor(const Operands& operands, const Product& size) {
  return RightSource::RowMajor(operands.right.data(), size.depth, size.columns);
}

// Counted as the plain product's arithmetic, and as weights of `bytes` each that are read once.
template <typename Run>
void MeasureProduct(benchmark::State& state, const Product& size, double bytes, Run run) {
  Measure(state, 2.0 * static_cast<double>(size.rows * size.depth * size.columns),
          bytes * static_cast<double>(size.depth * size.columns), run);
}

void BenchProduct(benchmark::State& state, Isa isa, const Product& size) {
  SetIsaForTest(isa);
  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.blocks = ColumnBlocks::Of(size.columns);
  const Operands operands(size, product.blocks.PackedFloats(size.depth));
  PackRight(RowMajor(operands, size), product.blocks, operands.packed.data());
  product.right = operands.packed.data();
  product.out = operands.out.data();
  product.out_stride = size.columns;
  const AlignedBuffer scratch(AllocateAligned(MatrixScratchBytes(product, 1)));
  SerialParallel serial;
  MeasureProduct(state, size, 4.0, [&] {
    MultiplyMatrix(product, PlainRows{operands.left.data(), size.depth}, scratch.get(), serial);
  });
}

void BenchStrassen(benchmark::State& state, Isa isa, const Product& size) {
  SetIsaForTest(isa);
  WeightProduct product;
  product.rows = product.rows_together = size.rows;
  product.depth = size.depth;
  product.columns = product.out_stride = size.columns;
  const Operands operands(size,
                          static_cast<int64_t>(PackedStrassenFloats(size.depth, size.columns)));
  PackStrassen(RowMajor(operands, size), size.columns, operands.packed.data());
  product.packed = operands.packed.data();
  product.out = operands.out.data();
  const AlignedBuffer scratch(AllocateAligned(StrassenScratchBytes(product, 1)));
  SerialParallel serial;
  MeasureProduct(state, size, 4.0, [&] {
    MultiplyStrassen(product, PlainRows{operands.left.data(), size.depth}, scratch.get(), serial);
  });
}

void BenchHalfProduct(benchmark::State& state, const Product& size) {
  SetIsaForTest(Isa::kAvx512Fp16);
  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.blocks = ColumnBlocks::Of(size.columns);
  UseHalf(product, HalfTiles());
  const Operands operands(size, product.blocks.PackedFloats(product.depth));
  PackHalfRight(RowMajor(operands, size), product.blocks, operands.packed.data());
  product.right = operands.packed.data();
  product.out = operands.out.data();
  product.out_stride = size.columns;
  const AlignedBuffer scratch(AllocateAligned(MatrixScratchBytes(product, 1)));
  SerialParallel serial;
  MeasureProduct(state, size, 2.0, [&] {
    MultiplyHalf(product, PlainRows{operands.left.data(), size.depth}, size.depth, scratch.get(),
                 serial);
  });
}

// Products whose right operand is not constant, as in attention.
const DenseShape kDenseShapes[] = {
    {12, 128, 64, 128, 64, 64, true, 128},        {12, 128, 128, 64, 128, 64, false, 64},
    {12, 512, 64, 512, 64, 64, true, 512},        {12, 1, 64, 1024, 64, 64, true, 1024},
    {12, 1, 1024, 64, 1024, 64, false, 64},       {1, 8, 1024, 1024, 1024, 1024, false, 1024},
    {1, 16, 1024, 1024, 1024, 1024, false, 1024}, {1, 512, 512, 512, 512, 512, false, 512},
};

void BenchDense(benchmark::State& state, Isa isa, const DenseShape& shape) {
  SetIsaForTest(isa);
  const Floats left(shape.batch * shape.rows * shape.depth);
  const Floats right(shape.batch * shape.depth * shape.columns);
  const Floats out(shape.batch * shape.rows * shape.columns);
  const AlignedBuffer scratch(AllocateAligned(DenseScratchBytes(shape, 1)));
  SerialParallel serial;
  const auto operands = [&](int64_t batch) {
    return DenseOperands{left.data() + batch * shape.rows * shape.depth,
                         right.data() + batch * shape.depth * shape.columns,
                         out.data() + batch * shape.rows * shape.columns,
                         {}};
  };
  const auto right_floats = static_cast<double>(shape.batch * shape.depth * shape.columns);
  Measure(state, 2 * right_floats * static_cast<double>(shape.rows), 4 * right_floats,
          [&] { MultiplyDense(shape, operands, scratch.get(), serial); });
}

void RegisterBenchmarks() {
  for (const Isa isa : AvailableIsas()) {
    // Levels above AVX-512 have the same float kernels.
    if (isa > Isa::kAvx512) continue;
    const std::string prefix = std::string(IsaName(isa)) + "/";
    for (const Layer& layer : kLayers) {
      benchmark::RegisterBenchmark(
          (prefix + "conv/" + layer.Name()).c_str(),
          [isa, layer](benchmark::State& state) { BenchConvolution(state, isa, layer, 1); });
    }
    for (const Layer& layer : kLayers) {
      if (!UsesWinograd(layer.Shape())) continue;
      benchmark::RegisterBenchmark(
          (prefix + "winograd/" + layer.Name()).c_str(),
          [isa, layer](benchmark::State& state) { BenchWinograd(state, isa, layer); });
    }
    for (const Layer& layer : kFirstLayers) {
      benchmark::RegisterBenchmark((prefix + "folded stride/" + layer.Name()).c_str(),
                                   [isa, layer](benchmark::State& state) {
                                     BenchLargeKernel<FoldedStride>(state, isa, layer,
                                                                    &PackedFoldedStrideFloats,
                                                                    &PackFoldedStride);
                                   });
      benchmark::RegisterBenchmark(
          (prefix + "conv/" + layer.Name()).c_str(),
          [isa, layer](benchmark::State& state) { BenchConvolution(state, isa, layer, 1); });
    }
    for (const Layer& layer : kLargeKernels) {
      benchmark::RegisterBenchmark(
          (prefix + "large kernel/" + layer.Name()).c_str(), [isa, layer](benchmark::State& state) {
            BenchLargeKernel<LargeKernel>(state, isa, layer, &PackedLargeKernelFloats,
                                          &PackLargeKernel);
          });
      benchmark::RegisterBenchmark((prefix + "fourier/" + layer.Name()).c_str(),
                                   [isa, layer](benchmark::State& state) {
                                     BenchLargeKernel<FourierConvolution>(
                                         state, isa, layer, &PackedFourierFloats, &PackFourier);
                                   });
    }
    for (const Layer& layer : kColdLayers) {
      benchmark::RegisterBenchmark(
          (prefix + "cold/" + layer.Name()).c_str(),
          [isa, layer](benchmark::State& state) { BenchConvolution(state, isa, layer, kCopies); });
    }
    for (const Layer& layer : kDepthwiseLayers) {
      benchmark::RegisterBenchmark(
          (prefix + "depthwise/" + layer.Name()).c_str(),
          [isa, layer](benchmark::State& state) { BenchDepthwise(state, isa, layer); });
    }
    for (const DenseShape& shape : kDenseShapes) {
      const std::string name = prefix + "dense/" + std::to_string(shape.batch) + " of " +
                               std::to_string(shape.rows) + "x" + std::to_string(shape.depth) +
                               "x" + std::to_string(shape.columns) +
                               (shape.right_transposed ? "T" : "");
      benchmark::RegisterBenchmark(
          name.c_str(), [isa, shape](benchmark::State& state) { BenchDense(state, isa, shape); });
    }
    for (const Product& p : kProducts) {
      const std::string size =
          std::to_string(p.rows) + "x" + std::to_string(p.depth) + "x" + std::to_string(p.columns);
      const std::string name = prefix + "matmul/" + size;
      benchmark::RegisterBenchmark(
          name.c_str(), [isa, p](benchmark::State& state) { BenchProduct(state, isa, p); });
      if (!UsesStrassen(p.depth, p.columns)) continue;
      const std::string halved = prefix + "strassen/" + size;
      benchmark::RegisterBenchmark(
          halved.c_str(), [isa, p](benchmark::State& state) { BenchStrassen(state, isa, p); });
    }
  }
}

void RegisterHalfBenchmarks() {
  if (AvailableIsas().back() != Isa::kAvx512Fp16) return;
  const std::string prefix = "avx512fp16/half/";
  for (const Layer& layer : kLayers) {
    benchmark::RegisterBenchmark(
        (prefix + "conv/" + layer.Name()).c_str(),
        [layer](benchmark::State& state) { BenchHalfConvolution(state, layer, 1); });
  }
  for (const Layer& layer : kColdLayers) {
    benchmark::RegisterBenchmark(
        (prefix + "cold/" + layer.Name()).c_str(),
        [layer](benchmark::State& state) { BenchHalfConvolution(state, layer, kCopies); });
  }
  for (const Product& p : kProducts) {
    const std::string name = prefix + "matmul/" + std::to_string(p.rows) + "x" +
                             std::to_string(p.depth) + "x" + std::to_string(p.columns);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [p](benchmark::State& state) { BenchHalfProduct(state, p); });
  }
}

}  // namespace
}  // namespace mullion::cpu

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  mullion::cpu::RegisterBenchmarks();
  mullion::cpu::RegisterHalfBenchmarks();
  benchmark::RunSpecifiedBenchmarks();
}

#endif  // HWY_ONCE
