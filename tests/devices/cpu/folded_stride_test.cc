// SPDX-License-Identifier: MIT
// Convolution with a stride whose pixels become channels against plain loops in double precision.
#include "devices/cpu/kernels/convolution/folded_stride.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {
namespace {

ConvolutionShape ShapeOf(int64_t height, int64_t width, int64_t in, int64_t out, int64_t kernel,
                         int64_t stride, int64_t pad) {
  ConvolutionShape shape;
  shape.in_channels = in;
  shape.out_channels = out;
  shape.spatial_rank = 2;
  const auto axis = [&](int64_t input) -> ConvolutionShape::Axis {
    const int64_t output = (input + 2 * pad - kernel + stride) / stride;
    return {input, std::max<int64_t>(output, 0), kernel, stride, 1, pad};
  };
  shape.axes[0] = axis(height);
  shape.axes[1] = axis(width);
  return shape;
}

// What Winograd's forms of eight points are held to.
constexpr double kTolerance = 4e-6;

void Check(const ConvolutionShape& of_pixels, bool planes, std::mt19937& random) {
  ConvolutionShape shape = of_pixels;
  shape.planes = planes;
  SCOPED_TRACE(Describe(shape) + (planes ? ", planes" : ""));
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights =
      RandomFloats(shape.out_channels * shape.in_channels * shape.Taps(), random);
  const AlignedBuffer packed(AllocateAligned(PackedFoldedStrideFloats(shape) * sizeof(float)));
  PackFoldedStride(weights.data(), shape, static_cast<float*>(packed.get()));
  const FoldedStride plan(shape);
  EXPECT_EQ(plan.ReadsPlanes(), planes && shape.in_channels <= 4);
  ExpectConvolution(plan, shape, plan.ReadsPlanes() ? Planes(shape, input).data() : input.data(),
                    static_cast<const float*>(packed.get()),
                    WithLargestMagnitude(ReferenceConvolution(shape, input.data(), weights.data())),
                    RandomInt(0, 3, random), random, kTolerance);
}

void Check(const ConvolutionShape& shape, std::mt19937& random) {
  Check(shape, false, random);
  Check(shape, true, random);
}

class FoldedStrideTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

// The first layers of ResNet, YOLOv5, AlexNet and others, at sizes that no stride divides.
TEST_P(FoldedStrideTest, ConvolvesFirstLayers) {
  std::mt19937 random(1);
  for (const auto& [kernel, stride, pad] : {std::array<int64_t, 3>{7, 2, 3},
                                            {6, 2, 2},
                                            {7, 2, 0},
                                            {5, 2, 2},
                                            {11, 4, 2},
                                            {8, 3, 1},
                                            {9, 3, 4}}) {
    for (const int64_t channels : {1, 3, 4}) {
      const ConvolutionShape shape = ShapeOf(RandomInt(20, 45, random), RandomInt(20, 75, random),
                                             channels, 64, kernel, stride, pad);
      if (UsesFoldedStride(shape)) Check(shape, random);
    }
  }
  EXPECT_TRUE(UsesFoldedStride(ShapeOf(224, 224, 3, 64, 7, 2, 3)));
  EXPECT_TRUE(UsesFoldedStride(ShapeOf(416, 416, 3, 16, 6, 2, 2)));
  EXPECT_TRUE(UsesFoldedStride(ShapeOf(227, 227, 3, 96, 11, 4, 0)));
}

TEST_P(FoldedStrideTest, ConvolvesRandomShapes) {
  std::mt19937 random(2);
  int taken = 0;
  for (int i = 0; i < 400 && taken < 60; ++i) {
    const int64_t stride = RandomInt(2, 4, random);
    const int64_t kernel = RandomInt(stride + 1, 4 * stride, random);
    ConvolutionShape shape =
        ShapeOf(RandomInt(kernel, 30, random), RandomInt(kernel, 40, random),
                RandomInt(1, i % 4 == 0 ? 12 : 5, random), RandomInt(5, 80, random), kernel, stride,
                RandomInt(0, kernel, random));
    shape.batch = RandomInt(1, 2, random);
    if (!UsesFoldedStride(shape)) continue;
    ++taken;
    Check(shape, random);
  }
  EXPECT_GT(taken, 20);
}

// Other pads on each side and axis, and one that crops.
TEST_P(FoldedStrideTest, TakesPadsOfAnySize) {
  std::mt19937 random(3);
  for (const int64_t pad : {-5, -4, -3, 1, 5, 9}) {
    ConvolutionShape shape = ShapeOf(31, 33, 3, 64, 7, 2, 3);
    shape.axes[0].pad = pad;
    shape.axes[0].output = 11;
    shape.axes[1].pad = pad + 2;
    ASSERT_TRUE(UsesFoldedStride(shape));
    Check(shape, random);
  }
}

TEST_P(FoldedStrideTest, TakesImagesOfAFewPixels) {
  std::mt19937 random(4);
  for (const int64_t side : {0, 1, 2, 3, 5}) {
    Check(ShapeOf(side, 7 - side, 3, 64, 7, 2, 4), random);
    Check(ShapeOf(side, 4, 12, 64, 7, 2, 4), random);
  }
  ConvolutionShape none = ShapeOf(9, 9, 3, 64, 7, 2, 3);
  none.batch = 0;
  Check(none, random);
}

INSTANTIATE_TEST_SUITE_P(AllLevels, FoldedStrideTest, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

TEST(FoldedStride, IsForStridesWithLargeKernels) {
  const ConvolutionShape shape = ShapeOf(224, 224, 3, 64, 7, 2, 3);
  EXPECT_TRUE(UsesFoldedStride(shape));
  ConvolutionShape other = shape;
  other.fixed_pads = false;
  EXPECT_FALSE(UsesFoldedStride(other));
  other = shape;
  other.axes[1].stride = 1;
  EXPECT_FALSE(UsesFoldedStride(other));
  other = shape;
  other.axes[0].dilation = 2;
  EXPECT_FALSE(UsesFoldedStride(other));
  other = shape;
  other.groups = 3;
  EXPECT_FALSE(UsesFoldedStride(other));
  // Of 3x3 weights are made 2x2.
  EXPECT_FALSE(UsesFoldedStride(ShapeOf(224, 224, 3, 64, 3, 2, 1)));
  // Hardly a tile.
  other = ShapeOf(9, 9, 3, 64, 7, 2, 0);
  EXPECT_TRUE(UsesFoldedStride(other));
  other.fixed = true;
  EXPECT_FALSE(UsesFoldedStride(other));
}

}  // namespace
}  // namespace mullion::cpu
