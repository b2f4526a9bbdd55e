// SPDX-License-Identifier: MIT
// Convolution by Fourier transforms against plain loops in double precision.
#include "devices/cpu/kernels/convolution/fourier_convolution.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/large_kernel_cases.h"

namespace mullion::cpu {
namespace {

using FourierForm = LargeKernelCases<FourierConvolution, PackedFourierFloats, PackFourier>;

class FourierConvolutionTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(FourierConvolutionTest, ConvolvesRandomShapes) { FourierForm::CheckRandomShapes(4); }
TEST_P(FourierConvolutionTest, CutsWideImagesIntoStrips) { FourierForm::CheckWideImages(); }
TEST_P(FourierConvolutionTest, TakesPadsOfAnySize) { FourierForm::CheckPads(); }
TEST_P(FourierConvolutionTest, GivesTheBiasWhereThereIsNoInput) { FourierForm::CheckNoInput(); }

INSTANTIATE_TEST_SUITE_P(AllLevels, FourierConvolutionTest, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

TEST(FourierConvolution, IsForLargeKernelsOfStrideOne) {
  ExpectPlainOnly(ShapeOf(320, 320, 16, 16, 9, 9), UsesFourier);
  EXPECT_FALSE(UsesFourier(ShapeOf(32, 32, 8, 8, 3, 39)));
  EXPECT_FALSE(UsesFourier(ShapeOf(32, 32, 256, 256, 5, 5)));
}

}  // namespace
}  // namespace mullion::cpu
