// SPDX-License-Identifier: MIT
// Transposed convolution against plain scattering loops, over random shapes.
#include "devices/cpu/kernels/convolution/transposed_convolution.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

// The output pixel that input pixel `pixel` reaches through kernel position `tap`, or -1.
int64_t Reached(const ConvolutionShape& shape, int64_t pixel, int64_t tap) {
  int64_t at = 0;
  int64_t scale = 1;
  for (int i = shape.spatial_rank - 1; i >= 0; --i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    const int64_t o =
        pixel % axis.input * axis.stride - axis.pad + tap % axis.kernel * axis.dilation;
    if (o < 0 || o >= axis.output) return -1;
    at += o * scale;
    scale *= axis.output;
    pixel /= axis.input;
    tap /= axis.kernel;
  }
  return at + pixel * scale;
}

std::vector<ReferenceValue> Reference(const ConvolutionShape& shape, const float* input,
                                      const float* weights) {
  const int64_t in = shape.in_channels / shape.groups;
  const int64_t out = shape.out_channels / shape.groups;
  const int64_t taps = shape.Taps();
  std::vector<ReferenceValue> sums(static_cast<size_t>(shape.OutputPixels() * shape.out_channels));
  for (int64_t pixel = 0; pixel < InputFloats(shape) / shape.in_channels; ++pixel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t at = Reached(shape, pixel, tap);
      if (at < 0) continue;
      for (int64_t ic = 0; ic < shape.in_channels; ++ic) {
        for (int64_t oc = 0; oc < out; ++oc) {
          const float x = input[pixel * shape.in_channels + ic];
          const float w = weights[(ic * out + oc) * taps + tap];
          sums[static_cast<size_t>(at * shape.out_channels + ic / in * out + oc)].Add(
              static_cast<double>(x) * static_cast<double>(w));
        }
      }
    }
  }
  return sums;
}

// Sizes of outputs follow from pads that may be negative, as with output_padding.
ConvolutionShape RandomShape(int rank, std::mt19937& random) {
  ConvolutionShape shape = RandomConvolution(rank, random);
  for (int i = 0; i < rank; ++i) {
    ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    axis.input = RandomInt(1, rank == 1 ? 30 : rank == 2 ? 9 : 4, random);
    axis.stride = RandomInt(1, 4, random);
    axis.dilation = RandomInt(1, 3, random);
    axis.pad = RandomInt(-1, 2, random);
    const int64_t extent = (axis.input - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
    axis.output = std::max<int64_t>(extent - axis.pad - RandomInt(-2, 2, random), 0);
  }
  return shape;
}

void Check(const ConvolutionShape& shape, std::mt19937& random) {
  SCOPED_TRACE(Describe(shape));
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights =
      RandomFloats(shape.out_channels * (shape.in_channels / shape.groups) * shape.Taps(), random);
  const AlignedBuffer packed(
      AllocateAligned(PackedTransposedConvolutionFloats(shape) * sizeof(float)));
  PackTransposedConvolution(weights.data(), shape, static_cast<float*>(packed.get()));
  const TransposedConvolution plan(shape);
  ExpectConvolution(plan, shape, input.data(), static_cast<const float*>(packed.get()),
                    Reference(shape, input.data(), weights.data()),
                    plan.NeedsDensePixels() ? 0 : RandomInt(0, 3, random), random);
}

class TransposedConvolutionKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(TransposedConvolutionKernel, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int rank = 0; rank <= 3; ++rank) {
    for (int i = 0; i < 50; ++i) Check(RandomShape(rank, random), random);
  }
}

// Kernels as long as the stride along the last axis.
TEST_P(TransposedConvolutionKernel, TilesLines) {
  std::mt19937 random(3);
  for (int rank = 1; rank <= 3; ++rank) {
    for (int i = 0; i < 40; ++i) {
      ConvolutionShape shape = RandomShape(rank, random);
      shape.in_channels /= shape.groups;
      shape.out_channels = RandomInt(1, 3, random) == 1 ? 1 : shape.out_channels / shape.groups;
      shape.groups = 1;
      ConvolutionShape::Axis& last = shape.axes[static_cast<size_t>(rank - 1)];
      last.kernel = last.stride = RandomInt(2, 4, random);
      last.dilation = 1;
      last.pad = 0;
      last.output = last.input * last.stride;
      shape.tiles_line = true;
      Check(shape, random);
    }
  }
}

TEST_P(TransposedConvolutionKernel, ConvolvesEveryChannelAlone) {
  std::mt19937 random(4);
  for (int rank = 0; rank <= 3; ++rank) {
    for (int i = 0; i < 40; ++i) {
      ConvolutionShape shape = RandomShape(rank, random);
      shape.groups = shape.in_channels = shape.out_channels = RandomInt(2, 40, random);
      Check(shape, random);
    }
  }
}

TEST_P(TransposedConvolutionKernel, FillsOutputsThatNothingReaches) {
  std::mt19937 random(2);
  ConvolutionShape shape;
  shape.in_channels = 3;
  shape.out_channels = 17;
  shape.spatial_rank = 1;
  shape.axes[0] = {.input = 5, .output = 1200, .kernel = 2, .stride = 250};
  Check(shape, random);
}

INSTANTIATE_TEST_SUITE_P(AllLevels, TransposedConvolutionKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
