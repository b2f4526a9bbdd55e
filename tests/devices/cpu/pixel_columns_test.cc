// SPDX-License-Identifier: MIT
// Convolution with neighbouring pixels as columns against plain loops, over random shapes.
#include "devices/cpu/kernels/convolution/pixel_columns.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

void Check(const ConvolutionShape& shape, std::mt19937& random) {
  SCOPED_TRACE(Describe(shape));
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights =
      RandomFloats(shape.out_channels * shape.in_channels * shape.Taps(), random);
  const AlignedBuffer packed(AllocateAligned(PackedPixelColumnsFloats(shape) * sizeof(float)));
  PackPixelColumns(weights.data(), shape, static_cast<float*>(packed.get()));
  // One row, behind which nothing may be written.
  ExpectConvolution(PixelColumns(shape), shape, input.data(),
                    static_cast<const float*>(packed.get()),
                    ReferenceConvolution(shape, input.data(), weights.data()), 0, random);
}

class PixelColumnsTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(PixelColumnsTest, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int i = 0; i < 120; ++i) {
    ConvolutionShape shape = RandomConvolution(static_cast<int>(RandomInt(1, 3, random)), random);
    shape.groups = 1;
    shape.in_channels = RandomInt(1, 6, random);
    shape.out_channels = RandomInt(1, 9, random);
    ConvolutionShape::Axis& last = shape.axes[static_cast<size_t>(shape.spatial_rank - 1)];
    last.dilation = 1;
    Check(shape, random);
  }
}

// The filters of a spectrogram.
TEST_P(PixelColumnsTest, ConvolvesLongSignals) {
  std::mt19937 random(2);
  ConvolutionShape shape;
  shape.in_channels = 1;
  shape.spatial_rank = 1;
  for (const int64_t channels : {1, 2, 5}) {
    shape.out_channels = channels;
    shape.axes[0] = {.input = 4001, .output = 1873, .kernel = 256, .stride = 2};
    Check(shape, random);
    shape.axes[0] = {.input = 1001, .output = 1003, .kernel = 33, .stride = 1, .pad = 17};
    Check(shape, random);
    shape.axes[0] = {.input = 5000, .output = 5002, .kernel = 5, .stride = 1, .pad = 3};
    Check(shape, random);
  }
}

TEST_P(PixelColumnsTest, GivesTheBiasWhereThereIsNoInput) {
  std::mt19937 random(3);
  ConvolutionShape shape;
  shape.in_channels = 2;
  shape.out_channels = 1;
  shape.spatial_rank = 1;
  shape.axes[0] = {.input = 0, .output = 5, .kernel = 8, .pad = 6};
  Check(shape, random);
  shape.batch = 0;
  Check(shape, random);
}

INSTANTIATE_TEST_SUITE_P(AllLevels, PixelColumnsTest, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

TEST(PixelColumns, IsForFewChannels) {
  ConvolutionShape shape;
  shape.in_channels = 1;
  shape.out_channels = 1;
  shape.spatial_rank = 1;
  shape.axes[0] = {.input = 1000, .output = 373, .kernel = 256, .stride = 2};
  SetIsaForTest(AvailableIsas().back());
  EXPECT_EQ(PixelsAtOnce(shape), ColumnBlocks::Of(1).lanes);
  // Windows that hardly overlap share nothing.
  ConvolutionShape other = shape;
  other.axes[0].stride = 256;
  EXPECT_EQ(PixelsAtOnce(other), 1);
  other = shape;
  other.out_channels = 64;
  EXPECT_EQ(PixelsAtOnce(other), 1);
  other = shape;
  other.in_channels = 32;
  EXPECT_EQ(PixelsAtOnce(other), 1);
  other = shape;
  other.axes[0].dilation = 2;
  EXPECT_EQ(PixelsAtOnce(other), 1);
}

}  // namespace
}  // namespace mullion::cpu
