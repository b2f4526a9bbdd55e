// SPDX-License-Identifier: MIT
#include "graph/graph.h"

#include <gtest/gtest.h>

#include <string>

namespace mullion {
namespace {

std::string Order(const Graph& graph) {
  std::string order;
  for (const auto& node : graph.nodes()) order += node->operator_name() + " ";
  return order;
}

// x -> A -> B -> output
struct Chain {
  Graph graph;
  Value& x = graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat));
  Node& a = MakeNode("A", x);
  Node& b = MakeNode("B", *a.output(0));

  Chain() { graph.AddOutput(*b.output(0)); }

  Node& MakeNode(const char* name, Value& input) {
    Value* const inputs[] = {&input};
    return graph.AddNode("", name, 1, inputs, 1, name);
  }
};

TEST(Graph, KnowsUsesAndProducers) {
  Chain chain;
  EXPECT_EQ(chain.x.uses().size(), 1u);
  EXPECT_EQ(chain.x.uses()[0].node, &chain.a);
  EXPECT_EQ(chain.b.input(0)->producer(), &chain.a);
  EXPECT_TRUE(chain.b.output(0)->IsGraphOutput());
  EXPECT_TRUE(chain.graph.Validate().ok());
}

TEST(Graph, ReplacesUsesAndOutputs) {
  Chain chain;
  chain.graph.ReplaceUses(*chain.b.output(0), *chain.a.output(0));
  EXPECT_EQ(chain.graph.outputs()[0], chain.a.output(0));
  chain.graph.Remove(chain.b);
  EXPECT_EQ(Order(chain.graph), "A ");
  EXPECT_TRUE(chain.a.output(0)->uses().empty());
  EXPECT_TRUE(chain.graph.Validate().ok());
}

TEST(Graph, SortsNodesThatStandInTheWrongOrder) {
  Graph graph;
  Value& x = graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat));
  Value& y = graph.AddValue("y");
  Node& late = graph.AddBareNode("", "Late", 1);
  late.AddInput(&y);
  late.SetOutput(0, &graph.AddValue("z"));
  Node& early = graph.AddBareNode("", "Early", 1);
  early.AddInput(&x);
  early.SetOutput(0, &y);
  ASSERT_TRUE(graph.SortTopologically().ok());
  EXPECT_EQ(Order(graph), "Early Late ");
}

TEST(Graph, RefusesCycles) {
  Graph graph;
  Value& y = graph.AddValue("y");
  Node& node = graph.AddBareNode("", "Loop", 1);
  node.origin = {"n", "Loop", "", 1, ""};
  node.AddInput(&y);
  node.SetOutput(0, &y);
  const Status status = graph.SortTopologically();
  EXPECT_EQ(status.code(), StatusCode::kInvalidModel);
  EXPECT_NE(status.message().find("node 'n' (Loop, opset 1)"), std::string::npos);
}

TEST(Graph, CloneIsIndependentAndKeepsCaptures) {
  Chain chain;
  auto body = std::make_shared<Graph>(&chain.graph);
  Value* const captured[] = {&chain.x};
  Node& inner = body->AddNode("", "Inner", 1, captured, 1, "inner");
  body->AddOutput(*inner.output(0));
  chain.b.SetAttribute("body", body);
  EXPECT_EQ(CapturedValues(*body).size(), 1u);

  const std::unique_ptr<Graph> copy = chain.graph.Clone();
  EXPECT_EQ(Order(*copy), "A B ");
  EXPECT_TRUE(copy->Validate().ok());
  const Graph& twin = *copy->nodes().back()->GraphAttribute("body");
  EXPECT_EQ(twin.nodes().front()->input(0), copy->inputs()[0]);
  EXPECT_NE(copy->inputs()[0], &chain.x);
}

TEST(Node, ErrorsNameTheOrigin) {
  Chain chain;
  chain.a.origin = {"conv1", "Conv", "", 9, "Block"};
  const Status status = chain.a.Error(StatusCode::kInvalidModel, "it is wrong");
  EXPECT_EQ(status.message(), "node 'conv1' in function Block (Conv, opset 9): it is wrong");
}

}  // namespace
}  // namespace mullion
