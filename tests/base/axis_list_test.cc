// SPDX-License-Identifier: MIT
#include "base/axis_list.h"

#include <gtest/gtest.h>

#include <utility>

namespace mullion {
namespace {

struct TestAxis {
  int size = 1;
};

TEST(AxisList, AxesThatWereNotWrittenHaveTheirDefault) {
  AxisList<TestAxis> axes;
  axes[1].size = 5;
  axes[kMaxRank - 1].size = 7;
  const AxisList<TestAxis>& read = axes;
  EXPECT_EQ(read[0].size, 1);
  EXPECT_EQ(read[1].size, 5);
  EXPECT_EQ(read[3].size, 1);
  EXPECT_EQ(read[kMaxRank - 1].size, 7);
}

TEST(AxisList, CopiesAreApart) {
  AxisList<TestAxis> axes;
  axes[0].size = 2;
  axes[4].size = 3;
  AxisList<TestAxis> copy = axes;
  axes[0].size = axes[4].size = 9;
  EXPECT_EQ(copy[0].size, 2);
  EXPECT_EQ(copy[4].size, 3);
  axes = copy;
  EXPECT_EQ(axes[4].size, 3);
  const AxisList<TestAxis> moved = std::move(copy);
  EXPECT_EQ(moved[4].size, 3);
  axes = AxisList<TestAxis>();
  EXPECT_EQ(axes[0].size, 1);
}

}  // namespace
}  // namespace mullion
