// SPDX-License-Identifier: MIT
#include "operators/legacy_broadcast.h"

#include <gtest/gtest.h>

#include <limits>

#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

// A graph of one node of opset 6 with inputs of the given shapes.
class LegacyNode {
 public:
  LegacyNode(std::string_view name, const Shape& a, const Shape& b) {
    Value* const inputs[] = {&graph.AddInput("a", TypeInfo::Tensor(ElementType::kFloat, a)),
                             &graph.AddInput("b", TypeInfo::Tensor(ElementType::kFloat, b))};
    node = &graph.AddNode("", name, 6, inputs, 1, "y");
    node->origin = {"n", std::string(name), "", 6, ""};
    graph.AddOutput(*node->output(0));
  }
  Status Infer() { return optimizer::InferGraph(graph, BuiltInOperators()); }

  Graph graph;
  Node* node;
};

TEST(LegacyBroadcast, AxisBecomesAxesBehindTheSecondOperand) {
  LegacyNode legacy("Mul", {kUnknownDim, 3, 8, 8}, {3});
  legacy.node->SetAttribute("broadcast", int64_t{1});
  legacy.node->SetAttribute("axis", int64_t{1});
  const Status status = legacy.Infer();
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(legacy.graph.node_count(), 2u);
  const Node& unsqueeze = *legacy.graph.nodes().front();
  EXPECT_EQ(unsqueeze.operator_name(), "Unsqueeze");
  EXPECT_EQ(unsqueeze.output(0)->type.shape, Shape({3, 1, 1}));
  EXPECT_EQ(legacy.node->output(0)->type.shape, Shape({kUnknownDim, 3, 8, 8}));
  EXPECT_TRUE(legacy.graph.Validate().ok());
}

TEST(LegacyBroadcast, NegativeAxisCountsFromTheBack) {
  LegacyNode legacy("Add", {2, 3, 4}, {3});
  legacy.node->SetAttribute("broadcast", int64_t{1});
  legacy.node->SetAttribute("axis", int64_t{-2});
  ASSERT_TRUE(legacy.Infer().ok());
  EXPECT_EQ(legacy.node->input(1)->type.shape, Shape({3, 1}));
}

TEST(LegacyBroadcast, WithoutAxisShapesMeetAtTheirEnds) {
  LegacyNode legacy("Greater", {2, 3, 4}, {4});
  legacy.node->SetAttribute("broadcast", int64_t{1});
  ASSERT_TRUE(legacy.Infer().ok());
  EXPECT_EQ(legacy.graph.node_count(), 1u);
  EXPECT_EQ(legacy.node->output(0)->type.element_type, ElementType::kBool);
}

TEST(LegacyBroadcast, RefusesWhatDoesNotFit) {
  LegacyNode legacy("Add", {2, 3}, {3, 4});
  legacy.node->SetAttribute("broadcast", int64_t{1});
  legacy.node->SetAttribute("axis", int64_t{1});
  const Status status = legacy.Infer();
  EXPECT_EQ(status.code(), StatusCode::kInvalidModel);
  EXPECT_NE(status.message().find("axis 1"), std::string::npos) << status.message();
}

TEST(LegacyBroadcast, RefusesAnAxisOutsideTheFirstOperand) {
  for (const int64_t axis : {int64_t{3}, int64_t{-3}, std::numeric_limits<int64_t>::min(),
                             std::numeric_limits<int64_t>::max()}) {
    LegacyNode legacy("Add", {2, 3}, {3});
    legacy.node->SetAttribute("broadcast", int64_t{1});
    legacy.node->SetAttribute("axis", axis);
    EXPECT_EQ(legacy.Infer().code(), StatusCode::kInvalidModel) << axis;
  }
}

TEST(PRelu, SlopeForEachChannelOfOpsetSix) {
  LegacyNode legacy("PRelu", {1, 3, 8, 8}, {3});
  ASSERT_TRUE(legacy.Infer().ok());
  EXPECT_EQ(legacy.node->input(1)->type.shape, Shape({3, 1, 1}));
}

}  // namespace
}  // namespace mullion
