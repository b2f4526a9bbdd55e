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

// 3x3, several lines at once: lines of every length, with and without pads, images of a line to
// more than a strip, and few lines that threads part differently.
TEST_P(DepthwiseKernel, ConvolvesStripsOfLines) {
  std::mt19937 random(7);
  const auto check = [&](int64_t stride, int64_t dilation, int64_t pad, int64_t height) {
    for (int64_t output = 3; output < 20; ++output) {
      ConvolutionShape shape;
      shape.batch = 2;
      shape.spatial_rank = 2;
      // Sometimes with inputs behind the last that no output reads.
      const int64_t more = RandomInt(0, 1, random);
      const int64_t width = (output - 1) * stride + 1 + 2 * (dilation - pad) + more;
      shape.axes[0] = {.input = height * stride,
                       .output = height,
                       .kernel = 3,
                       .stride = stride,
                       .dilation = dilation,
                       .pad = dilation};
      shape.axes[1] = shape.axes[0];
      shape.axes[1].input = width;
      shape.axes[1].output = output;
      shape.axes[1].pad = pad;
      CheckDepthwise(shape, RandomInt(16, 40, random), random);
    }
  };
  for (const int64_t height : {1, 2, 9, 17}) {
    for (const int64_t dilation : {1, 2, 3}) {
      check(1, dilation, 0, height);
      check(1, dilation, dilation, height);
    }
    check(2, 1, 0, height);
    check(2, 1, 1, height);
  }
  for (const int64_t height : {1, 3, 7}) {
    ConvolutionShape shape;
    shape.spatial_rank = 2;
    shape.axes[0] = {.input = height, .output = height, .kernel = 3, .pad = 1};
    shape.axes[1] = {.input = 150, .output = 150, .kernel = 3, .pad = 1};
    CheckDepthwise(shape, 24, random);
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
