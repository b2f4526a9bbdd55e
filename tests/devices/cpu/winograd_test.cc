// SPDX-License-Identifier: MIT
// Winograd's convolution against plain loops in double precision, over random shapes.
#include "devices/cpu/kernels/convolution/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/thin_winograd.h"
#include "devices/cpu/kernels/simd/isa.h"
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

// A kernel along one axis of an image with one or two.
ConvolutionShape RandomLine(std::mt19937& random) {
  ConvolutionShape shape;
  shape.batch = RandomInt(1, 2, random);
  shape.in_channels = RandomInt(16, 40, random);
  shape.out_channels = RandomInt(16, 90, random);
  shape.spatial_rank = static_cast<int>(RandomInt(1, 2, random));
  shape.axes[0].input = shape.axes[0].output = shape.axes[1].input = shape.axes[1].output =
      RandomInt(1, 9, random);
  const int64_t kernel = RandomInt(3, 7, random);
  const int64_t dilation = RandomInt(1, 4, random);
  const int64_t input = RandomInt(kernel * dilation, 60, random);
  const int64_t pad = RandomInt(0, kernel, random);
  shape.axes[static_cast<size_t>(RandomInt(0, shape.spatial_rank - 1, random))] = {
      input, input + 2 * pad - (kernel - 1) * dilation, kernel, 1, dilation, pad};
  return shape;
}

void Check(const ConvolutionShape& shape, std::mt19937& random, double tolerance = 2e-6) {
  SCOPED_TRACE(Describe(shape));
  ASSERT_TRUE(UsesWinograd(shape));
  const std::vector<float> input = RandomFloats(InputFloats(shape), random);
  const std::vector<float> weights =
      RandomFloats(shape.out_channels * shape.in_channels * shape.Taps(), random);
  const AlignedBuffer packed(AllocateAligned(PackedWinogradFloats(shape) * sizeof(float)));
  PackWinograd(weights.data(), shape, static_cast<float*>(packed.get()));
  std::unique_ptr<ConvolutionPlan> plan;
  if (IsThinWinograd(shape)) {
    plan = std::make_unique<ThinWinograd>(shape);
  } else {
    plan = std::make_unique<Winograd>(shape);
  }
  ExpectConvolution(*plan, shape, input.data(), static_cast<const float*>(packed.get()),
                    WithLargestMagnitude(ReferenceConvolution(shape, input.data(), weights.data())),
                    RandomInt(0, 3, random), random, tolerance);
}

class WinogradKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};
class StridedWinogradKernel : public WinogradKernel {};
class ThinWinogradKernel : public WinogradKernel {};

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

// Less than a vector of channels. Errors grow like the root of their number, what they are held
// against like the number: with half as many as above, bounds are a root of two higher.
TEST_P(WinogradKernel, ConvolvesFewChannels) {
  std::mt19937 random(12);
  for (int i = 0; i < 60; ++i) {
    ConvolutionShape shape =
        ShapeOf(RandomInt(9, 40, random), RandomInt(9, 40, random), RandomInt(8, 16, random),
                RandomInt(8, 16, random), RandomInt(0, 3, random));
    if (i % 4 == 0) shape.in_channels = 16;
    if (i % 4 == 0) shape.out_channels = RandomInt(5, 7, random);
    shape.batch = RandomInt(1, 2, random);
    shape.fixed = false;
    Check(shape, random, 2.8e-6);
    shape.fixed = true;
    if (UsesWinograd(shape)) Check(shape, random, 5.6e-6);
  }
}

TEST_P(WinogradKernel, CutsLargeImagesIntoBlocks) {
  std::mt19937 random(2);
  Check(ShapeOf(61, 83, 40, 24, 1), random);
}

// Tiles of 6x6 outputs, where sizes are known to give few tiles enough. Errors against double
// are twice those of 4x4.
TEST_P(WinogradKernel, ConvolvesFixedSizes) {
  std::mt19937 random(10);
  for (int i = 0; i < 40; ++i) {
    ConvolutionShape shape =
        ShapeOf(RandomInt(9, 40, random), RandomInt(9, 40, random), RandomInt(16, 70, random),
                RandomInt(16, 140, random), RandomInt(0, 3, random));
    shape.batch = RandomInt(1, 2, random);
    shape.fixed = true;
    Check(shape, random, 4e-6);
  }
}

// Tiles of 5x5 outputs: sizes that they fit, and that leave some of the last ones.
TEST_P(WinogradKernel, ConvolvesFixedSizesInTilesOfFive) {
  std::mt19937 random(17);
  for (const int64_t size : {13, 14, 15, 25, 55}) {
    ConvolutionShape shape = ShapeOf(size, size, RandomInt(16, 70, random), 64, 1);
    shape.batch = RandomInt(1, 2, random);
    shape.fixed = true;
    EXPECT_EQ(WinogradFormOf(shape).tile, 5) << size;
    Check(shape, random, 4e-6);
  }
  ConvolutionShape shape = ShapeOf(15, 29, 20, 131, 0);
  shape.fixed = true;
  Check(shape, random, 4e-6);
}

// Nine tiles of 5x5 outputs and many weights, which AVX-512 transforms across only: of several
// images, with channels that are no whole vectors, and by two threads.
TEST_P(WinogradKernel, MakesWeightsOfNineTilesInRegisters) {
  std::mt19937 random(18);
  for (const int64_t batch : {1, 2, 5}) {
    ConvolutionShape shape = ShapeOf(13, 14, RandomInt(97, 120, random), 64, 1);
    shape.batch = batch;
    shape.fixed = true;
    EXPECT_EQ(WinogradFormOf(shape).across_only, ColumnBlocks::Of(1).lanes == 16);
    Check(shape, random, 4e-6);
    shape.in_channels = 35;
    shape.out_channels = 192;
    EXPECT_EQ(WinogradFormOf(shape).across_only, ColumnBlocks::Of(1).lanes == 16);
    Check(shape, random, 4e-6);
    shape.axes[1] = {15, 16, 3, 1, 1, 1};  // twelve tiles
    EXPECT_FALSE(WinogradFormOf(shape).across_only);
  }
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

// Outputs two pixels apart; sizes that leave little of the tiles take the direct form.
TEST_P(StridedWinogradKernel, ConvolvesWithStride) {
  std::mt19937 random(11);
  for (int i = 0; i < 25; ++i) {
    ConvolutionShape shape =
        ShapeOf(RandomInt(3, 40, random), RandomInt(3, 40, random), RandomInt(32, 50, random),
                RandomInt(32, 90, random), RandomInt(0, 2, random));
    for (size_t axis = 0; axis < 2; ++axis) {
      shape.axes[axis].stride = 2;
      shape.axes[axis].output = (shape.axes[axis].output + 1) / 2;
    }
    shape.batch = RandomInt(1, 3, random);
    shape.fixed = false;
    Check(shape, random);
    shape.fixed = true;
    if (UsesWinograd(shape)) Check(shape, random);
  }
}

TEST_P(WinogradKernel, ConvolvesKernelsOfOneLine) {
  std::mt19937 random(6);
  for (int i = 0; i < 80; ++i) Check(RandomLine(random), random);
}

TEST_P(WinogradKernel, ConvolvesLongLines) {
  std::mt19937 random(7);
  ConvolutionShape shape;
  shape.in_channels = 70;
  shape.out_channels = 131;
  shape.spatial_rank = 1;
  shape.axes[0] = {2010, 2006, 5, 1, 1, 0};
  Check(shape, random);
  shape.axes[0] = {700, 700, 3, 1, 64, 64};
  Check(shape, random);
}

// A frame or two, for which the direct form is the quicker one.
TEST_P(WinogradKernel, ConvolvesShortLines) {
  std::mt19937 random(8);
  ConvolutionShape shape;
  shape.in_channels = 33;
  shape.out_channels = 40;
  shape.spatial_rank = 2;
  shape.axes[1].input = shape.axes[1].output = 17;
  for (int64_t frames = 0; frames < 9; ++frames) {
    shape.axes[0] = {frames + 2, frames, 3, 1, 1, 0};
    Check(shape, random);
  }
}

TEST_P(WinogradKernel, ConvolvesDilatedKernels) {
  std::mt19937 random(9);
  for (int64_t dilation = 1; dilation < 6; ++dilation) {
    ConvolutionShape shape = ShapeOf(23, 25, 20, 24, 0);
    shape.axes[0] = {23, 23, 3, 1, dilation, dilation};
    shape.axes[1] = {25, 25, 3, 1, 2, 2};
    Check(shape, random);
  }
  ConvolutionShape shape = ShapeOf(19, 11, 300, 300, 0);
  shape.axes[0] = {19, 15, 3, 1, 2, 0};
  Check(shape, random);
}

// Kernels of 4x4 to 7x7 by eight points along each axis.
TEST_P(WinogradKernel, ConvolvesLargerKernels) {
  std::mt19937 random(12);
  for (int i = 0; i < 32; ++i) {
    const int64_t kernel = RandomInt(4, 7, random);
    ConvolutionShape shape = ShapeOf(1, 1, RandomInt(8, 40, random), RandomInt(8, 70, random), 0);
    for (size_t axis = 0; axis < 2; ++axis) {
      const int64_t input = RandomInt(kernel, 24, random);
      const int64_t pad = RandomInt(0, kernel, random);
      const int64_t dilation = i % 8 == 0 ? RandomInt(1, 2, random) : 1;
      const int64_t output = input + 2 * pad - (kernel - 1) * dilation;
      shape.axes[axis] = {input, std::max<int64_t>(output, 1), kernel, 1, dilation, pad};
    }
    shape.batch = RandomInt(1, 3, random);
    shape.fixed = i % 2 == 0;
    if (UsesWinograd(shape)) Check(shape, random, 4e-6);
  }
}

TEST_P(WinogradKernel, ConvolvesLargerKernelsOfManyChannels) {
  std::mt19937 random(13);
  ConvolutionShape shape = ShapeOf(1, 1, 130, 126, 0);
  shape.axes[0] = {15, 13, 5, 1, 1, 1};
  shape.axes[1] = {17, 17, 5, 1, 1, 2};
  Check(shape, random, 4e-6);
}

// One to four channels of kernels of 3x3 and 5x5, tile by tile, with long vectors only.
ConvolutionShape ThinShape(int64_t height, int64_t width, int64_t kernel, int64_t pad, int64_t in,
                           int64_t out) {
  ConvolutionShape shape = ShapeOf(1, 1, in, out, 0);
  shape.axes[0] = {height, height + 2 * pad - kernel + 1, kernel, 1, 1, pad};
  shape.axes[1] = {width, width + 2 * pad - kernel + 1, kernel, 1, 1, pad};
  return shape;
}

TEST_P(ThinWinogradKernel, ConvolvesPictures) {
  std::mt19937 random(14);
  for (int i = 0; i < 80; ++i) {
    const int64_t kernel = i % 2 == 0 ? 3 : 5;
    ConvolutionShape shape = ThinShape(RandomInt(kernel, 40, random), RandomInt(kernel, 90, random),
                                       kernel, RandomInt(0, kernel, random), i % 4 + 1,
                                       RandomInt(9, i % 8 == 0 ? 140 : 40, random));
    shape.batch = RandomInt(1, 3, random);
    ASSERT_TRUE(IsThinWinograd(shape));
    // Few terms against the largest of their sums: see above.
    Check(shape, random, kernel == 3 ? 4e-6 : 8e-6);
  }
}

TEST_P(ThinWinogradKernel, ConvolvesPicturesWithPadsOfAnySize) {
  std::mt19937 random(15);
  for (const int64_t kernel : {3, 5}) {
    ConvolutionShape shape = ThinShape(11, 13, kernel, 0, 3, 20);
    shape.axes[0].output = 5;
    shape.axes[0].pad = -3;
    shape.axes[1].output = 30;
    shape.axes[1].pad = 9;
    Check(shape, random, 8e-6);
    shape.axes[1].pad = 40;  // only zeros
    Check(shape, random, 8e-6);
    shape.batch = 0;
    Check(shape, random);
    shape = ThinShape(kernel, 0, kernel, 0, 1, 9);
    shape.axes[1] = {0, 6, kernel, 1, 1, 4};
    Check(shape, random);
  }
}

// What is not finite spreads over the tiles that see it, and no further.
TEST_P(ThinWinogradKernel, KeepsWhatIsNotFiniteToItsTiles) {
  std::mt19937 random(16);
  for (const int64_t channels : {1, 3}) {
    const ConvolutionShape shape = ThinShape(12, 40, 3, 1, channels, 17);
    std::vector<float> input = RandomFloats(InputFloats(shape), random);
    const std::vector<float> weights = RandomFloats(17 * channels * 9, random);
    std::vector<float> packed(PackedWinogradFloats(shape));
    PackWinograd(weights.data(), shape, packed.data());
    input[static_cast<size_t>((5 * 40 + 21) * channels)] = std::numeric_limits<float>::infinity();
    std::vector<float> out(size_t{12} * 40 * 17);
    const ThinWinograd plan(shape);
    const AlignedBuffer scratch(AllocateAligned(plan.ScratchBytes(1)));
    SerialParallel serial;
    plan.Run(input.data(), packed.data(), out.data(), 17, Epilogue(), scratch.get(), serial);
    for (size_t y = 0; y < 12; ++y) {
      for (size_t x = 0; x < 40; ++x) {
        const bool near = y / 4 == 1 && x / 4 == 5;
        EXPECT_EQ(std::isfinite(out[(y * 40 + x) * 17 + 16]), !near) << y << ' ' << x;
      }
    }
  }
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

std::string LevelName(const testing::TestParamInfo<Isa>& test) {
  return std::string(IsaName(test.param));
}

std::vector<Isa> LevelsBut(std::initializer_list<Isa> without) {
  std::vector<Isa> levels;
  for (const Isa isa : AvailableIsas()) {
    if (std::find(without.begin(), without.end(), isa) == without.end()) levels.push_back(isa);
  }
  return levels;
}

INSTANTIATE_TEST_SUITE_P(AllLevels, WinogradKernel, testing::ValuesIn(AvailableIsas()), LevelName);
INSTANTIATE_TEST_SUITE_P(LevelsThatHaveIt, StridedWinogradKernel,
                         testing::ValuesIn(LevelsBut({Isa::kScalar})), LevelName);
INSTANTIATE_TEST_SUITE_P(LevelsThatHaveIt, ThinWinogradKernel,
                         testing::ValuesIn(LevelsBut({Isa::kScalar, Isa::kSse4})), LevelName);

// Plain code has one form less, and with SSE4 too few channels are left to other kernels.
TEST(Winograd, HasAllFormsFromAvx2On) {
  ConvolutionShape strided = ShapeOf(40, 40, 32, 64, 1);
  for (size_t axis = 0; axis < 2; ++axis) strided.axes[axis].stride = 2;
  const ConvolutionShape thin = ThinShape(40, 40, 3, 1, 3, 32);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    EXPECT_EQ(UsesWinograd(strided), isa != Isa::kScalar) << IsaName(isa);
    EXPECT_EQ(IsThinWinograd(thin), isa != Isa::kScalar && isa != Isa::kSse4) << IsaName(isa);
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(Winograd, IsForSmallKernelsOfStrideOneOrTwo) {
  const ConvolutionShape shape = ShapeOf(9, 9, 16, 16, 1);
  EXPECT_TRUE(UsesWinograd(shape));
  ConvolutionShape other = shape;
  other.axes[1].stride = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other.axes[0].stride = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other.in_channels = other.out_channels = 32;
  EXPECT_TRUE(UsesWinograd(other));
  other.axes[0].dilation = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.axes[0].stride = other.axes[1].stride = 3;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.axes[0].kernel = 5;
  EXPECT_FALSE(UsesWinograd(other));
  other.axes[1].kernel = 5;
  EXPECT_TRUE(UsesWinograd(other));
  other.in_channels = 5;
  EXPECT_FALSE(UsesWinograd(other));
  other.in_channels = 16;
  other.axes[0].kernel = other.axes[1].kernel = 8;
  EXPECT_FALSE(UsesWinograd(other));
  other.axes[0].kernel = 5;
  other.axes[1].kernel = 1;
  EXPECT_TRUE(UsesWinograd(other));
  other.axes[0].kernel = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other.axes[0].kernel = 1;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.fixed = true;
  EXPECT_TRUE(UsesWinograd(other));
  other.axes[0] = other.axes[1] = {2, 2, 3, 1, 1, 1};
  EXPECT_FALSE(UsesWinograd(other));
  other.fixed = false;
  EXPECT_TRUE(UsesWinograd(other));
  other = shape;
  other.groups = 2;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.in_channels = 5;
  EXPECT_FALSE(UsesWinograd(other));
  other.in_channels = 3;
  EXPECT_TRUE(IsThinWinograd(other));
  other.out_channels = 4;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.in_channels = 8;
  EXPECT_FALSE(IsThinWinograd(other));
  EXPECT_TRUE(UsesWinograd(other));
  other.out_channels = 7;
  EXPECT_FALSE(UsesWinograd(other));
  other = shape;
  other.out_channels = 5;
  EXPECT_TRUE(UsesWinograd(other));
  other.out_channels = 4;
  EXPECT_FALSE(UsesWinograd(other));
}

}  // namespace
}  // namespace mullion::cpu
