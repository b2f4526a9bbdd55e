// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/kernel_reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {

namespace {
constexpr float kGuard = -12345.0f;
}

std::vector<float> RandomFloats(int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> distribution(-1.0f, 1.0f);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

int64_t RandomInt(int64_t low, int64_t high, std::mt19937& random) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

void ReferenceValue::Add(double term) {
  sum += term;
  magnitude += std::abs(term);
}

double ActivateReference(const Activation& activation, double x) {
  const double alpha = static_cast<double>(activation.alpha);
  const double beta = static_cast<double>(activation.beta);
  switch (activation.kind) {
    case Activation::Kind::kNone:
      return x;
    case Activation::Kind::kRelu:
      return x < 0 ? 0 : x;
    case Activation::Kind::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case Activation::Kind::kClip:
      return std::min(std::max(x, alpha), beta);
    case Activation::Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::Kind::kTanh:
      return std::tanh(x);
    case Activation::Kind::kSilu:
      return x / (1 + std::exp(-alpha * x));
    case Activation::Kind::kHardSigmoid:
      return std::clamp(alpha * x + beta, 0.0, 1.0);
    case Activation::Kind::kHardSwish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Activation::Kind::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case Activation::Kind::kGelu:
      return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::Kind::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  }
  return x;
}

Activation RandomActivation(std::mt19937& random) {
  constexpr int64_t kLast = static_cast<int64_t>(Activation::Kind::kGeluTanh);
  Activation activation;
  activation.kind = static_cast<Activation::Kind>(RandomInt(0, kLast, random));
  activation.alpha = activation.kind == Activation::Kind::kClip ? -0.5f : 0.2f;
  activation.beta = activation.kind == Activation::Kind::kClip ? 0.75f : 0.5f;
  return activation;
}

std::vector<ReferenceValue> ReferenceConvolution(const ConvolutionShape& shape, const float* input,
                                                 const float* weights) {
  const int64_t in = shape.in_channels / shape.groups;
  const int64_t out = shape.out_channels / shape.groups;
  const int64_t taps = shape.Taps();
  const int64_t pixels = shape.OutputPixels();
  std::vector<ReferenceValue> sums(static_cast<size_t>(pixels * shape.out_channels));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t rest_pixel = pixel;
      int64_t rest_tap = tap;
      int64_t at = 0;
      int64_t scale = 1;
      bool inside = true;
      for (int i = shape.spatial_rank - 1; i >= 0; --i) {
        const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
        const int64_t x = rest_pixel % axis.output * axis.stride - axis.pad +
                          rest_tap % axis.kernel * axis.dilation;
        rest_pixel /= axis.output;
        rest_tap /= axis.kernel;
        inside = inside && x >= 0 && x < axis.input;
        at += x * scale;
        scale *= axis.input;
      }
      if (!inside) continue;
      at += rest_pixel * scale;
      for (int64_t oc = 0; oc < shape.out_channels; ++oc) {
        for (int64_t ic = 0; ic < in; ++ic) {
          const float x = input[at * shape.in_channels + oc / out * in + ic];
          const float w = weights[(oc * in + ic) * taps + tap];
          sums[static_cast<size_t>(pixel * shape.out_channels + oc)].Add(static_cast<double>(x) *
                                                                         static_cast<double>(w));
        }
      }
    }
  }
  return sums;
}

std::string Describe(const ConvolutionShape& shape) {
  std::string text = std::to_string(shape.batch) + "x" + std::to_string(shape.in_channels) + "->" +
                     std::to_string(shape.out_channels) + " groups " + std::to_string(shape.groups);
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& a = shape.axes[static_cast<size_t>(i)];
    for (const int64_t value : {a.input, a.output, a.kernel, a.stride, a.dilation, a.pad}) {
      text += " " + std::to_string(value);
    }
    text += ";";
  }
  return text;
}

int64_t InputFloats(const ConvolutionShape& shape) {
  int64_t count = shape.batch * shape.in_channels;
  for (int i = 0; i < shape.spatial_rank; ++i) count *= shape.axes[static_cast<size_t>(i)].input;
  return count;
}

ConvolutionShape RandomConvolution(int spatial_rank, std::mt19937& random) {
  ConvolutionShape shape;
  shape.spatial_rank = spatial_rank;
  shape.batch = RandomInt(1, 2, random);
  const int64_t largest = spatial_rank == 1 ? 60 : spatial_rank == 2 ? 17 : 6;
  for (int i = 0; i < spatial_rank; ++i) {
    ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    int64_t pad_end = 0;
    do {
      axis.input = RandomInt(1, largest, random);
      axis.kernel = RandomInt(1, 5, random);
      axis.stride = RandomInt(1, 3, random);
      axis.dilation = RandomInt(1, 2, random);
      axis.pad = RandomInt(-1, 3, random);
      pad_end = RandomInt(-1, 3, random);
    } while (axis.input + axis.pad + pad_end < (axis.kernel - 1) * axis.dilation + 1);
    axis.output =
        (axis.input + axis.pad + pad_end - (axis.kernel - 1) * axis.dilation - 1) / axis.stride + 1;
  }
  shape.groups = RandomInt(0, 2, random) == 0 ? RandomInt(2, 3, random) : 1;
  shape.in_channels = shape.groups * RandomInt(1, RandomInt(0, 1, random) == 0 ? 5 : 40, random);
  shape.out_channels = shape.groups * RandomInt(1, 90, random);
  return shape;
}

EpilogueCase::EpilogueCase(int64_t rows, int64_t columns, int64_t out_stride,
                           std::mt19937& random) {
  if (RandomInt(0, 2, random) != 0) {
    bias = RandomFloats(columns, random);
    epilogue.bias = bias.data();
  }
  if (RandomInt(0, 2, random) == 0) {
    residual = RandomFloats(rows * out_stride, random);
    epilogue.residual = residual.data();
    epilogue.residual_stride = out_stride;
  }
  epilogue.activation = RandomActivation(random);
}

GuardedRows::GuardedRows(int64_t rows, int64_t columns, int64_t gap)
    : rows_(rows),
      columns_(columns),
      gap_(gap),
      memory_(static_cast<size_t>(rows * (columns + gap)), kGuard) {}

void GuardedRows::ExpectNear(const std::vector<ReferenceValue>& sums, const EpilogueCase& epilogue,
                             double tolerance) const {
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t column = 0; column < stride(); ++column) {
      const auto at = static_cast<size_t>(row * stride() + column);
      if (column >= columns_) {
        ASSERT_EQ(memory_[at], kGuard) << "written behind row " << row;
        continue;
      }
      ReferenceValue value = sums[static_cast<size_t>(row * columns_ + column)];
      if (!epilogue.bias.empty()) {
        value.Add(static_cast<double>(epilogue.bias[static_cast<size_t>(column)]));
      }
      if (!epilogue.residual.empty()) value.Add(static_cast<double>(epilogue.residual[at]));
      const double expected = ActivateReference(epilogue.epilogue.activation, value.sum);
      ASSERT_NEAR(memory_[at], expected, tolerance * (1 + value.magnitude))
          << "row " << row << ", column " << column << ", activation "
          << static_cast<int>(epilogue.epilogue.activation.kind);
    }
  }
}

std::vector<ReferenceValue> WithLargestMagnitude(std::vector<ReferenceValue> sums) {
  double largest = 0;
  for (const ReferenceValue& sum : sums) largest = std::max(largest, sum.magnitude);
  for (ReferenceValue& sum : sums) sum.magnitude = largest;
  return sums;
}

std::vector<float> Planes(const ConvolutionShape& shape, const std::vector<float>& image) {
  std::vector<float> planes(image.size());
  if (planes.empty()) return planes;
  const int64_t channels = shape.in_channels;
  const int64_t pixels = InputFloats(shape) / channels / shape.batch;
  for (int64_t i = 0; i < InputFloats(shape); ++i) {
    const int64_t pixel = i / channels % pixels;
    const int64_t plane = i / channels / pixels * channels + i % channels;
    planes[static_cast<size_t>(plane * pixels + pixel)] = image[static_cast<size_t>(i)];
  }
  return planes;
}

void ExpectConvolution(const ConvolutionPlan& plan, const ConvolutionShape& shape,
                       const float* input, const float* packed,
                       const std::vector<ReferenceValue>& sums, int64_t gap, std::mt19937& random,
                       double tolerance) {
  const int64_t pixels = shape.OutputPixels();
  const EpilogueCase epilogue(pixels, shape.out_channels, shape.out_channels + gap, random);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 5}) {
    GuardedRows out(pixels, shape.out_channels, gap);
    ThreadParallel parallel(threads);
    const AlignedBuffer scratch(AllocateAligned(plan.ScratchBytes(threads)));
    plan.Run(input, packed, out.data(), out.stride(), epilogue.epilogue, scratch.get(), parallel);
    if (threads == 1) {
      first = out.memory();
      out.ExpectNear(sums, epilogue, tolerance);
    } else {
      EXPECT_EQ(first, out.memory()) << threads << " threads";
    }
  }
}

}  // namespace mullion::cpu
