// SPDX-License-Identifier: MIT
#include "base/shape.h"

#include <gtest/gtest.h>

namespace mullion {
namespace {

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape({2, 3, 4}).ElementCount(), 24);
  EXPECT_EQ(Shape().ElementCount(), 1);
  EXPECT_EQ(Shape({2, 0, 4}).ElementCount(), 0);
}

TEST(Shape, CheckedCountRefusesOverflowAndUnknown) {
  EXPECT_FALSE(Shape({int64_t{1} << 40, int64_t{1} << 40}).CheckedElementCount().has_value());
  EXPECT_FALSE(Shape({2, kUnknownDim}).CheckedElementCount().has_value());
  // 2^59 elements of 32 bits are 2^64 bits.
  EXPECT_FALSE(Shape({int64_t{1} << 59}).CheckedElementCount().has_value());
  EXPECT_EQ(Shape({int64_t{1} << 40, 0, int64_t{1} << 40}).CheckedElementCount(), 0);
}

TEST(Shape, InsertsAndRemovesAxes) {
  Shape shape{2, 3};
  shape.Insert(1, 7);
  EXPECT_EQ(shape, Shape({2, 7, 3}));
  shape.Remove(0);
  EXPECT_EQ(shape, Shape({7, 3}));
}

TEST(Shape, BroadcastsLikeNumpy) {
  EXPECT_EQ(BroadcastShapes({2, 1, 4}, {3, 1}), Shape({2, 3, 4}));
  EXPECT_EQ(BroadcastShapes({}, {5}), Shape({5}));
  EXPECT_EQ(BroadcastShapes({0}, {1}), Shape({0}));
  EXPECT_FALSE(BroadcastShapes({2}, {3}).has_value());
}

TEST(Shape, BroadcastKeepsSymbols) {
  EXPECT_EQ(BroadcastShapes({-2, 4}, {-2, 1}), Shape({-2, 4}));
  EXPECT_EQ(BroadcastShapes({-2}, {-3}), Shape({kUnknownDim}));
  EXPECT_EQ(BroadcastShapes({-2}, {8}), Shape({8}));
}

TEST(NormalizeAxis, CountsFromTheBack) {
  EXPECT_EQ(NormalizeAxis(-1, 4), 3);
  EXPECT_FALSE(NormalizeAxis(4, 4).has_value());
  EXPECT_FALSE(NormalizeAxis(-5, 4).has_value());
}

}  // namespace
}  // namespace mullion
