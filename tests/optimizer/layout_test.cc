// SPDX-License-Identifier: MIT
#include "optimizer/layout.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

std::string Placed(GraphMaker& maker, Value& output) {
  const Status status = maker.Finish(output);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::PlaceChannelsLast(maker.graph, BuiltInOperators());
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph);
}

TEST(Layout, AChainHasTransposesAtItsEndsOnly) {
  GraphMaker maker;
  Value& first = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 4);
  Value& relu = maker.Add("Relu", {&first});
  Value& second = maker.Conv(relu, 4, 4);
  EXPECT_EQ(Placed(maker, second),
            "Transpose(0,2,3,1) Conv@last Relu Conv@last Transpose(0,3,1,2)");
}

TEST(Layout, BranchesShareOneTranspose) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  Value& sum = maker.Add("Add", {&maker.Conv(x, 3, 4), &maker.Conv(x, 3, 4)});
  EXPECT_EQ(Placed(maker, sum), "Transpose(0,2,3,1) Conv@last Conv@last Add Transpose(0,3,1,2)");
}

TEST(Layout, ConcatRenumbersItsAxis) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  Value& joined = maker.Add("Concat", {&maker.Conv(x, 3, 4), &maker.Conv(x, 3, 5)});
  joined.producer()->SetAttribute("axis", int64_t{1});
  Placed(maker, joined);
  EXPECT_EQ(joined.producer()->operator_name(), "Transpose");
  const Node& concat = *joined.producer()->input(0)->producer();
  EXPECT_EQ(concat.IntAttribute("axis", 0), 3);
}

TEST(Layout, ATransposeOfTheModelIsJoinedWithTheBorder) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 4);
  Value& turned = maker.Add("Transpose", {&conv});
  turned.producer()->SetAttribute("perm", std::vector<int64_t>{0, 2, 3, 1});
  EXPECT_EQ(Placed(maker, turned), "Transpose(0,2,3,1) Conv@last Transpose(0,1,2,3)");
}

TEST(Layout, LeavesGraphsWithoutConvolutionsAlone) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  EXPECT_EQ(Placed(maker, maker.Add("Relu", {&x})), "Relu");
}

}  // namespace
}  // namespace mullion
