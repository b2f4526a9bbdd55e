// SPDX-License-Identifier: MIT
// Convolution through the matrix kernel against plain loops, over random shapes.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

void CheckConvolution(const ConvolutionShape& shape, std::mt19937& random) {
  SCOPED_TRACE(Describe(shape));
  const int64_t channels = shape.in_channels / shape.groups;
  const int64_t taps = shape.Taps();
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights = RandomFloats(shape.out_channels * channels * taps, random);
  const AlignedBuffer packed(AllocateAligned(
      PackedConvolutionFloats(shape.out_channels, shape.groups, channels, taps) * sizeof(float)));
  PackConvolution(weights.data(), shape.out_channels, shape.groups, channels, taps,
                  static_cast<float*>(packed.get()));
  ExpectConvolution(
      Convolution(shape), shape, input.data(), static_cast<const float*>(packed.get()),
      ReferenceConvolution(shape, input.data(), weights.data()), RandomInt(0, 3, random), random);
}

class ConvolutionKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(ConvolutionKernel, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int rank = 1; rank <= 3; ++rank) {
    for (int i = 0; i < 60; ++i) CheckConvolution(RandomConvolution(rank, random), random);
  }
}

TEST_P(ConvolutionKernel, ConvolvesWithoutSpatialAxes) {
  std::mt19937 random(2);
  CheckConvolution(RandomConvolution(0, random), random);
}

TEST_P(ConvolutionKernel, ConvolvesWithMoreTapsThanAreHeldAtOnce) {
  std::mt19937 random(3);
  ConvolutionShape shape;
  shape.in_channels = 2;
  shape.out_channels = 20;
  shape.spatial_rank = 1;
  shape.axes[0] = {.input = 700, .output = 300, .kernel = 600, .stride = 1, .pad = 100};
  CheckConvolution(shape, random);
  shape.in_channels = 33;
  shape.out_channels = 3;
  CheckConvolution(shape, random);
}

TEST_P(ConvolutionKernel, ConvolvesAFirstLayer) {
  std::mt19937 random(4);
  ConvolutionShape shape;
  shape.in_channels = 3;
  shape.out_channels = 64;
  shape.spatial_rank = 2;
  // One that is copied with its padding, and one that is too large for that.
  for (const int64_t size : {29, 43}) {
    shape.axes[0] = shape.axes[1] = {
        .input = size, .output = (size + 1) / 2, .kernel = 7, .stride = 2, .pad = 3};
    CheckConvolution(shape, random);
  }
}

// Tiles of rows at equal distances, and of such that hang over a side or go on in the next line;
// of 40 columns no window hangs over.
TEST_P(ConvolutionKernel, ConvolvesLongLines) {
  std::mt19937 random(7);
  for (const int64_t columns : {16, 32, 40, 64, 90}) {
    for (const int64_t kernel : {1, 3}) {
      for (const int64_t stride : {1, 2}) {
        ConvolutionShape shape;
        shape.batch = 2;
        shape.groups = RandomInt(1, 2, random);
        shape.in_channels = shape.groups * RandomInt(1, 20, random);
        shape.out_channels = shape.groups * columns;
        shape.spatial_rank = 2;
        for (int i = 0; i < 2; ++i) {
          ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
          axis.kernel = kernel;
          axis.stride = stride;
          axis.dilation = RandomInt(1, 2, random);
          axis.pad = columns == 40 ? 0 : axis.dilation * (kernel / 2);
          axis.input = i == 0 ? 5 : 53;
          const int64_t extent = (kernel - 1) * axis.dilation + 1;
          axis.output = (axis.input + 2 * axis.pad - extent) / stride + 1;
        }
        CheckConvolution(shape, random);
      }
    }
  }
}

// Every output has pixels of its own: lines and images are one.
TEST_P(ConvolutionKernel, ConvolvesWindowsSideBySide) {
  std::mt19937 random(7);
  for (const int64_t dilation : {1, 2}) {
    for (const int64_t stride : {4, 5}) {
      for (const int64_t groups : {1, 3}) {
        ConvolutionShape shape;
        shape.batch = 2;
        shape.groups = groups;
        shape.in_channels = 7 * groups;
        shape.out_channels = 10 * groups;
        shape.spatial_rank = 2;
        shape.axes[0] = {.input = 3, .output = 3};
        shape.axes[1] = {.input = 9 * stride,
                         .output = 9,
                         .kernel = dilation == 1 ? 4 : 2,
                         .stride = stride,
                         .dilation = dilation};
        CheckConvolution(shape, random);
        // A pixel more belongs to nobody.
        ++shape.axes[1].input;
        CheckConvolution(shape, random);
      }
    }
  }
}

TEST_P(ConvolutionKernel, ConvolvesToFewChannels) {
  std::mt19937 random(6);
  for (int i = 0; i < 60; ++i) {
    ConvolutionShape shape = RandomConvolution(static_cast<int>(RandomInt(1, 3, random)), random);
    shape.groups = 1;
    shape.in_channels = RandomInt(30, 70, random);
    shape.out_channels = RandomInt(1, 5, random);
    CheckConvolution(shape, random);
  }
}

TEST_P(ConvolutionKernel, GivesTheBiasWhereThereIsNoInput) {
  std::mt19937 random(5);
  ConvolutionShape shape;
  shape.in_channels = 2;
  shape.out_channels = 5;
  shape.spatial_rank = 1;
  shape.axes[0] = {.input = 0, .output = 4, .kernel = 2, .pad = 2};
  CheckConvolution(shape, random);
  shape.batch = 0;
  CheckConvolution(shape, random);
}

INSTANTIATE_TEST_SUITE_P(AllLevels, ConvolutionKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
