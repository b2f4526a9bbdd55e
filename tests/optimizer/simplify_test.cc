// SPDX-License-Identifier: MIT
#include "optimizer/simplify.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

std::string SimplifiedNodes(GraphMaker& maker, Value& output) {
  EXPECT_TRUE(maker.Finish(output).ok());
  optimizer::Simplify(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph);
}

TEST(Simplify, CastsToTheTypeOfAnotherValueNameIt) {
  GraphMaker maker;
  Value& x = maker.Input({2, 3});
  Value& whole = maker.graph.AddConstant("whole", Tensor::Scalar<int64_t>(2));
  Value& cast = maker.Add("CastLike", {&whole, &x});
  Value& same = maker.Add("CastLike", {&maker.Constant({}, 6), &x});
  Value& sum = maker.Add("Sum", {&x, &cast, &same});
  EXPECT_EQ(SimplifiedNodes(maker, sum), "Cast Sum");
  const Node& node = *maker.graph.nodes().front();
  EXPECT_EQ(node.IntAttribute("to", 0), static_cast<int64_t>(ElementType::kFloat));
  EXPECT_EQ(node.input_count(), 1);
}

}  // namespace
}  // namespace mullion
