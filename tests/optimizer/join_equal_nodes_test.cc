// SPDX-License-Identifier: MIT
#include "optimizer/join_equal_nodes.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

std::string JoinedNodes(GraphMaker& maker, Value& output) {
  EXPECT_TRUE(maker.Finish(output).ok());
  optimizer::JoinEqualNodes(maker.graph, BuiltInOperators());
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph);
}

TEST(JoinEqualNodes, ChainsOfEqualNodesAreOne) {
  GraphMaker maker;
  Value& x = maker.Input({2, 3});
  const auto chain = [&]() -> Value& {
    return maker.Add("Exp", {&maker.Add("Mul", {&x, &maker.Constant({}, 3)})});
  };
  Value& first = chain();
  EXPECT_EQ(JoinedNodes(maker, maker.Add("Add", {&first, &chain()})), "Mul Exp Add");
}

TEST(JoinEqualNodes, OtherAttributesInputsAndConstantsStay) {
  GraphMaker maker;
  Value& x = maker.Input({2, 3});
  Value& a = maker.Add("Mul", {&x, &maker.Constant({}, 3)});
  Value& b = maker.Add("Mul", {&x, &maker.Constant({}, 4)});
  Value& c = maker.Add("Softmax", {&a});
  Value& d = maker.Add("Softmax", {&a});
  d.producer()->SetAttribute("axis", int64_t{0});
  Value& e = maker.Add("Softmax", {&b});
  Value& sum = maker.Add("Sum", {&c, &d, &e});
  EXPECT_EQ(JoinedNodes(maker, sum), "Mul Mul Softmax Softmax Softmax Sum");
}

TEST(JoinEqualNodes, RandomResultsAndGraphOutputsStay) {
  GraphMaker maker;
  Value& x = maker.Input({2, 3});
  Value& a = maker.Add("RandomNormalLike", {&x});
  Value& b = maker.Add("RandomNormalLike", {&x});
  Value& c = maker.Add("Exp", {&x});
  Value& d = maker.Add("Exp", {&x});
  maker.graph.AddOutput(c);
  maker.graph.AddOutput(d);
  EXPECT_EQ(JoinedNodes(maker, maker.Add("Add", {&a, &b})),
            "RandomNormalLike RandomNormalLike Exp Exp Add");
}

}  // namespace
}  // namespace mullion
