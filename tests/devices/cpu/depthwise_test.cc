// SPDX-License-Identifier: MIT
// Depthwise convolution against plain loops, over random shapes.
#include "devices/cpu/kernels/convolution/depthwise.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

void CheckDepthwise(ConvolutionShape shape, int64_t channels, std::mt19937& random) {
  shape.groups = shape.in_channels = shape.out_channels = channels;
  SCOPED_TRACE(Describe(shape));
  const int64_t taps = shape.Taps();
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights = RandomFloats(channels * taps, random);
  std::vector<float> packed(PackedDepthwiseFloats(channels, taps));
  PackDepthwise(weights.data(), channels, taps, packed.data());
  ExpectConvolution(Depthwise(shape), shape, input.data(), packed.data(),
                    ReferenceConvolution(shape, input.data(), weights.data()),
                    RandomInt(0, 3, random), random);
}

// Every channel has several results.
void CheckSpread(ConvolutionShape shape, int64_t channels, int64_t times, std::mt19937& random) {
  shape.groups = shape.in_channels = channels;
  shape.out_channels = channels * times;
  SCOPED_TRACE(Describe(shape));
  const int64_t taps = shape.Taps();
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights = RandomFloats(shape.out_channels * taps, random);
  std::vector<float> packed(PackedDepthwiseFloats(shape.out_channels, taps));
  PackDepthwise(weights.data(), shape.out_channels, taps, packed.data());
  ExpectConvolution(SpreadDepthwise(shape), shape, input.data(), packed.data(),
                    ReferenceConvolution(shape, input.data(), weights.data()),
                    RandomInt(0, 3, random), random);
}

class DepthwiseKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(DepthwiseKernel, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int rank = 0; rank <= 3; ++rank) {
    for (int i = 0; i < 60; ++i) {
      CheckDepthwise(RandomConvolution(rank, random), RandomInt(1, 50, random), random);
    }
  }
}

TEST_P(DepthwiseKernel, GivesSeveralResultsAChannel) {
  std::mt19937 random(4);
  for (int rank = 0; rank <= 3; ++rank) {
    for (int64_t times = 2; times <= kMostSpread; ++times) {
      for (int i = 0; i < 3; ++i) {
        CheckSpread(RandomConvolution(rank, random), RandomInt(1, 40, random), times, random);
      }
    }
  }
}

TEST_P(DepthwiseKernel, ConvolvesThreesAndFives) {
  std::mt19937 random(2);
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t channels : {16, 24, 33, 70}) {
        ConvolutionShape shape;
        shape.spatial_rank = 2;
        const int64_t input = RandomInt(12, 20, random);
        const int64_t pad = kernel / 2;
        shape.axes[0] = shape.axes[1] = {.input = input,
                                         .output = (input + 2 * pad - kernel) / stride + 1,
                                         .kernel = kernel,
                                         .stride = stride,
                                         .pad = pad};
        CheckDepthwise(shape, channels, random);
      }
    }
  }
}

// Dilated kernels, whose outputs share inputs every so many pixels, and fewer channels than a
// vector has lanes, on lines from none to more than a few vectors.
TEST_P(DepthwiseKernel, ConvolvesDilatedAndNarrow) {
  std::mt19937 random(3);
  for (const int64_t kernel : {1, 3, 5}) {
    for (const int64_t dilation : {1, 2, 4}) {
      for (const int64_t channels : {1, 3, 4, 10, 16, 33, 70}) {
        for (const int64_t input : {1, 7, 33}) {
          ConvolutionShape shape;
          shape.spatial_rank = 2;
          const int64_t pad = kernel / 2 * dilation;
          shape.axes[0] = shape.axes[1] = {
              .input = input, .output = input, .kernel = kernel, .dilation = dilation, .pad = pad};
          shape.axes[0].input = shape.axes[0].output = 5;
          CheckDepthwise(shape, channels, random);
        }
      }
    }
  }
}

// Lines of seven, which are made as one where the kernel hangs over both sides alike.
TEST_P(DepthwiseKernel, ConvolvesShortLines) {
  std::mt19937 random(6);
  for (const int64_t kernel : {3, 5}) {
    for (int64_t output = 5; output <= 9; ++output) {
      for (const int64_t channels : {15, 16, 37, 80}) {
        ConvolutionShape shape;
        shape.spatial_rank = 2;
        shape.axes[0] =
            shape.axes[1] = {.input = 7, .output = output, .kernel = kernel, .pad = kernel / 2};
        CheckDepthwise(shape, channels, random);
      }
    }
  }
}

// Lines long enough for several vectors of outputs a dilation apart, and sides where one, some or
// all of the kernel hang over.
TEST_P(DepthwiseKernel, ConvolvesDilatedLinesOfAnyLength) {
  std::mt19937 random(5);
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t dilation : {2, 3, 6}) {
      for (int64_t output = 6 * dilation; output < 8 * dilation + 7; output += 2) {
        for (const int64_t pad : {int64_t{0}, dilation, 3 * dilation - 1}) {
          ConvolutionShape shape;
          shape.spatial_rank = 1;
          const int64_t input = output + (kernel - 1) * dilation - 2 * pad;
          if (input < 1) continue;
          shape.axes[0] = {
              .input = input, .output = output, .kernel = kernel, .dilation = dilation, .pad = pad};
          CheckDepthwise(shape, RandomInt(16, 40, random), random);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, DepthwiseKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
