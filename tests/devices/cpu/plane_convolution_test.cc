// SPDX-License-Identifier: MIT
// Convolution of planes against plain loops, over random shapes.
#include "devices/cpu/kernels/convolution/plane_convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/pixel_columns.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

class PlaneConvolutionTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    SetIsaForTest(GetParam());
    lanes_ = ColumnBlocks::Of(1).lanes;
  }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }

  static ConvolutionShape::Axis Axis(int64_t input, int64_t kernel, int64_t stride, int64_t pad,
                                     int64_t pad_end) {
    return {.input = input,
            .output = (input + pad + pad_end - kernel) / stride + 1,
            .kernel = kernel,
            .stride = stride,
            .pad = pad};
  }

  void Pack(const ConvolutionShape& shape, const std::vector<float>& weights) {
    packed_.reset(AllocateAligned(
        PackedConvolutionFloats(shape.out_channels, 1, shape.in_channels, shape.Taps()) *
        sizeof(float)));
    PackConvolution(weights.data(), shape.out_channels, 1, shape.in_channels, shape.Taps(),
                    static_cast<float*>(packed_.get()));
  }

  void Check(const ConvolutionShape& shape, std::mt19937& random) {
    SCOPED_TRACE(Describe(shape));
    const std::vector<float> input = RandomFloats(InputFloats(shape), random);
    const std::vector<float> weights =
        RandomFloats(shape.out_channels * shape.in_channels * shape.Taps(), random);
    Pack(shape, weights);
    ExpectConvolution(PlaneConvolution(shape), shape, Planes(shape, input).data(),
                      static_cast<const float*>(packed_.get()),
                      ReferenceConvolution(shape, input.data(), weights.data()),
                      RandomInt(0, 3, random), random);
  }

  int64_t lanes_ = 0;
  AlignedBuffer packed_;
};

TEST_P(PlaneConvolutionTest, ConvolvesRandomShapes) {
  std::mt19937 random(1);
  for (int i = 0; i < 150; ++i) {
    ConvolutionShape shape;
    shape.planes = true;
    shape.batch = RandomInt(1, 3, random);
    shape.in_channels = RandomInt(1, 4, random);
    shape.out_channels = RandomInt(1, lanes_, random);
    shape.spatial_rank = 2;
    shape.axes[0] = Axis(RandomInt(8, 41, random), RandomInt(1, 7, random), RandomInt(1, 3, random),
                         RandomInt(-2, 4, random), RandomInt(-1, 4, random));
    shape.axes[1] =
        Axis(RandomInt(10, 120, random), RandomInt(1, 7, random), RandomInt(1, 2, random),
             RandomInt(-3, 9, random), RandomInt(-1, 9, random));
    Check(shape, random);
  }
}

TEST_P(PlaneConvolutionTest, ConvolvesLinesThatAreApart) {
  std::mt19937 random(2);
  ConvolutionShape shape;
  shape.planes = true;
  shape.in_channels = 3;
  shape.out_channels = lanes_;
  shape.spatial_rank = 2;
  shape.axes[0] = {.input = 31, .output = 23, .kernel = 3, .stride = 1, .dilation = 4};
  shape.axes[1] = Axis(101, 3, 2, 1, 1);
  Check(shape, random);
}

// An output is not finite where a weight meets such an input, and nowhere else.
TEST_P(PlaneConvolutionTest, KeepsWhatIsNotFiniteToItsWindows) {
  ConvolutionShape shape;
  shape.planes = true;
  shape.in_channels = 3;
  shape.out_channels = lanes_;
  shape.spatial_rank = 2;
  shape.axes[0] = Axis(20, 3, 2, 1, 1);
  shape.axes[1] = Axis(90, 3, 2, 1, 1);
  Pack(shape, std::vector<float>(static_cast<size_t>(lanes_ * 27), 1.0f));
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> planes(static_cast<size_t>(InputFloats(shape)), 1.0f);
  planes[20 * 90 + 4 * 90 + 10] = NAN;
  planes[2 * 20 * 90 + 9 * 90 + 89] = infinity;
  const PlaneConvolution plan(shape);
  ThreadParallel parallel(2);
  const AlignedBuffer scratch(AllocateAligned(plan.ScratchBytes(parallel.threads())));
  std::vector<float> out(static_cast<size_t>(shape.OutputPixels() * lanes_));
  Epilogue epilogue;
  epilogue.activation.kind = Activation::Kind::kRelu;
  plan.Run(planes.data(), static_cast<const float*>(packed_.get()), out.data(), lanes_, epilogue,
           scratch.get(), parallel);
  for (int64_t y = 0; y < 10; ++y) {
    for (int64_t x = 0; x < 45; ++x) {
      const float* const pixel = out.data() + (y * 45 + x) * lanes_;
      for (int64_t c = 0; c < lanes_; ++c) {
        if (y == 2 && x == 5) {
          EXPECT_TRUE(std::isnan(pixel[c]));
        } else if ((y == 4 || y == 5) && x == 44) {
          EXPECT_EQ(pixel[c], infinity);
        } else {
          EXPECT_EQ(pixel[c], (y == 0 ? 2.0f : 3.0f) * (x == 0 ? 2.0f : 3.0f) * 3) << y << " " << x;
        }
      }
    }
  }
}

// Pictures of a digit, and smaller ones.
TEST_P(PlaneConvolutionTest, ConvolvesOnePlaneToFewChannels) {
  std::mt19937 random(3);
  for (const int64_t width : {1, 5, 14, 16, 17, 28, 32, 33, 70}) {
    ConvolutionShape shape;
    shape.in_channels = 1;
    shape.out_channels = RandomInt(5, 8, random);
    shape.spatial_rank = 2;
    shape.axes[0] = Axis(28, 5, 1, 2, 2);
    shape.axes[1] = Axis(width, 5, RandomInt(1, 2, random), 2, 2);
    EXPECT_EQ(AreNarrowPlanes(shape), lanes_ == 16);
    if (AreNarrowPlanes(shape)) {
      EXPECT_TRUE(UsesPlaneConvolution(shape));
      EXPECT_EQ(PixelsAtOnce(shape), 1);
    }
    Check(shape, random);
  }
}

TEST_P(PlaneConvolutionTest, IsForFewPlanesAndOneVector) {
  ConvolutionShape shape;
  shape.planes = true;
  shape.in_channels = 3;
  shape.out_channels = lanes_;
  shape.spatial_rank = 2;
  shape.axes[0] = shape.axes[1] = Axis(90, 3, 2, 1, 1);
  EXPECT_TRUE(UsesPlaneConvolution(shape));
  ConvolutionShape other = shape;
  other.out_channels = lanes_ + 1;
  EXPECT_FALSE(UsesPlaneConvolution(other));
  other = shape;
  other.planes = false;
  EXPECT_FALSE(UsesPlaneConvolution(other));
  other = shape;
  other.in_channels = 5;
  EXPECT_FALSE(UsesPlaneConvolution(other));
  other = shape;
  other.axes[1].dilation = 2;
  EXPECT_FALSE(UsesPlaneConvolution(other));
}

// Vectors of the other levels are too short for it.
std::vector<Isa> LevelsWithTiles() {
  std::vector<Isa> levels;
  for (const Isa isa : AvailableIsas()) {
    if (isa != Isa::kScalar && isa != Isa::kNeon && isa != Isa::kSse4) levels.push_back(isa);
  }
  return levels;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PlaneConvolutionTest);
INSTANTIATE_TEST_SUITE_P(AllLevels, PlaneConvolutionTest, testing::ValuesIn(LevelsWithTiles()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
