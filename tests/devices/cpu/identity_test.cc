// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "tests/kernel_tester.h"

namespace mullion {
namespace {

TEST(Identity, CopiesEveryElementType) {
  KernelTester tester("Identity", 13);
  tester.AddInput<int16_t>({2, 2}, {1, -2, 3, 4});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<int16_t>(0), std::vector<int16_t>({1, -2, 3, 4}));
}

TEST(Shape, TakesASliceOfTheAxes) {
  KernelTester tester("Shape", 15);
  tester.AddInput<float>({2, 3, 0}, {});
  tester.SetAttribute("start", int64_t{-2});
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<int64_t>(0), std::vector<int64_t>({3, 0}));
}

TEST(Dropout, UpgradesFromOpsetSeven) {
  KernelTester tester("Dropout", 7);
  tester.AddInput<float>({2}, {1, 2});
  tester.SetAttribute("ratio", 0.5f);
  tester.SetOutputCount(2);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({1, 2}));
  EXPECT_TRUE(tester.OutputDatum(1).view.as<bool>()[1]);
}

}  // namespace
}  // namespace mullion
