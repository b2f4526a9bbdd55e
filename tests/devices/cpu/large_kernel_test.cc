// SPDX-License-Identifier: MIT
// Convolution by large kernels in blocks against plain loops in double precision.
#include "devices/cpu/kernels/convolution/large_kernel.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/large_kernel_cases.h"

namespace mullion::cpu {
namespace {

using BlockForm = LargeKernelCases<LargeKernel, PackedLargeKernelFloats, PackLargeKernel>;

class LargeKernelTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(LargeKernelTest, ConvolvesRandomShapes) { BlockForm::CheckRandomShapes(1); }
TEST_P(LargeKernelTest, CutsWideImagesIntoStrips) { BlockForm::CheckWideImages(); }
TEST_P(LargeKernelTest, TakesLongKernels) {
  std::mt19937 random(3);
  BlockForm::Check(ShapeOf(11, 88, 8, 8, 3, 39), random);
  BlockForm::Check(ShapeOf(50, 12, 3, 5, 24, 3), random);
}
TEST_P(LargeKernelTest, TakesPadsOfAnySize) { BlockForm::CheckPads(); }
TEST_P(LargeKernelTest, GivesTheBiasWhereThereIsNoInput) { BlockForm::CheckNoInput(); }

INSTANTIATE_TEST_SUITE_P(AllLevels, LargeKernelTest, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

TEST(LargeKernel, IsForLargeKernelsOfStrideOne) {
  ExpectPlainOnly(ShapeOf(32, 32, 16, 16, 9, 9), UsesLargeKernel);
  EXPECT_TRUE(UsesLargeKernel(ShapeOf(32, 32, 8, 8, 3, 39)));
  EXPECT_FALSE(UsesLargeKernel(ShapeOf(32, 32, 3, 16, 3, 3)));
  EXPECT_FALSE(UsesLargeKernel(ShapeOf(32, 32, 16, 16, 1, 9)));
  EXPECT_FALSE(UsesLargeKernel(ShapeOf(32, 32, 256, 256, 5, 5)));
  ConvolutionShape small = ShapeOf(5, 4, 64, 6, 3, 3);
  EXPECT_TRUE(UsesLargeKernel(small));
  small.fixed = true;
  EXPECT_FALSE(UsesLargeKernel(small));
}

}  // namespace
}  // namespace mullion::cpu
