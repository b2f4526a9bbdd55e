// SPDX-License-Identifier: MIT
// Winograd's convolution against plain loops in double precision, over random shapes.
#include "devices/cpu/kernels/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

ConvolutionShape ShapeOf(int64_t height, int64_t width, int64_t in, int64_t out, int64_t pad) {
  ConvolutionShape shape;
  shape.in_channels = in;
  shape.out_channels = out;
  shape.spatial_rank = 2;
  shape.axes[0] = {height, height + 2 * pad - 2, 3, 1, 1, pad};
  shape.axes[1] = {width, width + 2 * pad - 2, 3, 1, 1, pad};
  return shape;
}

void Check(const ConvolutionShape& shape, std::mt19937& random) {
  SCOPED_TRACE(Describe(shape));
  ASSERT_TRUE(UsesWinograd(shape));
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights =
      RandomFloats(shape.out_channels * shape.in_channels * 9, random);
  const AlignedBuffer packed(
      AllocateAligned(PackedWinogradFloats(shape.out_channels, shape.in_channels) * sizeof(float)));
  PackWinograd(weights.data(), shape.out_channels, shape.in_channels,
               static_cast<float*>(packed.get()));
  ExpectConvolution(Winograd(shape), shape, input.data(), static_cast<const float*>(packed.get()),
                    WithLargestMagnitude(ReferenceConvolution(shape, input.data(), weights.data())),
                    RandomInt(0, 3, random), random);
}

class WinogradKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(WinogradKernel, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    ConvolutionShape shape =
        ShapeOf(RandomInt(3, 20, random), RandomInt(3, 20, random), RandomInt(16, 70, random),
                RandomInt(16, 140, random), RandomInt(0, 3, random));
    shape.batch = RandomInt(1, 3, random);
    Check(shape, random);
  }
}

TEST_P(WinogradKernel, CutsLargeImagesIntoBlocks) {
  std::mt19937 random(2);
  Check(ShapeOf(61, 83, 40, 24, 1), random);
}

// Tiles of 2x2 outputs.
TEST_P(WinogradKernel, ConvolvesManyChannels) {
  std::mt19937 random(5);
  Check(ShapeOf(7, 7, 264, 264, 1), random);
  Check(ShapeOf(6, 11, 1000, 70, 0), random);
  ConvolutionShape shape = ShapeOf(4, 5, 66, 1001, 2);
  shape.batch = 3;
  Check(shape, random);
}

// A smaller pad behind the image than before it, and one that crops.
TEST_P(WinogradKernel, TakesPadsOfAnySize) {
  std::mt19937 random(3);
  ConvolutionShape shape = ShapeOf(9, 9, 16, 16, 1);
  shape.axes[0].output = 8;
  shape.axes[1].pad = -2;
  shape.axes[1].output = 5;
  Check(shape, random);
}

TEST_P(WinogradKernel, HasNothingToDoWithoutImages) {
  std::mt19937 random(4);
  ConvolutionShape shape = ShapeOf(9, 9, 16, 16, 1);
  shape.batch = 0;
  Check(shape, random);
}

INSTANTIATE_TEST_SUITE_P(AllLevels, WinogradKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

TEST(Winograd, IsForThreeByThreeKernelsOfStrideOne) {
  const ConvolutionShape shape = ShapeOf(9, 9, 16, 16, 1);
  EXPECT_TRUE(UsesWinograd(shape));
  ConvolutionShape other = shape;
  other.axes[1].stride = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.axes[0].dilation = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.axes[0].kernel = 5;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.groups = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.in_channels = 3;
  EXPECT_FALSE(UsesWinograd(other));
}

}  // namespace
}  // namespace mullion::cpu
