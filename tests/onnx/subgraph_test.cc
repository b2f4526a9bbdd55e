// SPDX-License-Identifier: MIT
// Graphs in attributes: what they see and what they give.
#include <gtest/gtest.h>

#include "tests/onnx/proto_builder.h"

namespace mullion {
namespace {

using namespace proto;  // NOLINT(build/namespaces)

Message If(const Message& then_branch, const Message& else_branch) {
  return MakeNode(
      "If", {"c"}, {"y"},
      {GraphAttribute("then_branch", then_branch), GraphAttribute("else_branch", else_branch)});
}

Message WithCondition(const Messages& nodes, const Messages& initializers = {}) {
  return MakeGraph(nodes, {Info("x", 1, {{2}}), Info("c", 9, {{}})}, {Info("y", 1)}, initializers);
}

TEST(Subgraph, SeesTheGraphsAround) {
  const Message inner = MakeGraph({MakeNode("Add", {"t", "w"}, {"s"})}, {}, {Info("s", 1)});
  const Message middle = MakeGraph(
      {MakeNode("If", {"c"}, {"m"},
                {GraphAttribute("then_branch", inner), GraphAttribute("else_branch", inner)})},
      {}, {Info("m", 1)});
  const auto model = Read(ModelOf(WithCondition({MakeNode("Neg", {"x"}, {"t"}), If(middle, middle)},
                                                {FloatTensor("w", {2}, {1, 2})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  const Graph& deep = *graph.nodes()
                           .back()
                           ->GraphAttribute("else_branch")
                           ->nodes()
                           .front()
                           ->GraphAttribute("then_branch");
  const Node& add = *deep.nodes().front();
  EXPECT_EQ(add.input(0), graph.nodes().front()->output(0));
  EXPECT_TRUE(add.input(1)->IsConstant());
  EXPECT_EQ(deep.parent()->parent(), &graph);
  EXPECT_TRUE(graph.Validate().ok());
}

TEST(Subgraph, OutputsFromOutsideGetAnIdentity) {
  const Message outer_value = MakeGraph({}, {}, {Info("x", 1)});
  const Message own_constant = MakeGraph({}, {}, {Info("w", 1)}, {FloatTensor("w", {2}, {1, 2})});
  const auto model = Read(ModelOf(WithCondition({If(outer_value, own_constant)})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (const Graph* const branch : (*model)->graph->nodes().front()->Subgraphs()) {
    ASSERT_EQ(branch->node_count(), 1u);
    EXPECT_EQ(branch->nodes().front()->operator_name(), "Identity");
    EXPECT_EQ(branch->outputs()[0]->producer(), branch->nodes().front().get());
    EXPECT_EQ(&branch->outputs()[0]->graph(), branch);
  }
}

TEST(Subgraph, InputsStayInPlaceAndMayPassThrough) {
  // A loop body: counter, condition, state. The condition passes through, the state twice.
  const Message body = MakeGraph({MakeNode("Neg", {"s"}, {"n"})},
                                 {Info("i", 7, {{}}), Info("b", 9, {{}}), Info("s", 1)},
                                 {Info("b", 9), Info("n", 1), Info("n", 1)});
  const auto model = Read(ModelOf(WithCondition(
      {MakeNode("Loop", {"", "c", "x"}, {"y", "scan"}, {GraphAttribute("body", body)})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Node& loop = *(*model)->graph->nodes().front();
  EXPECT_EQ(loop.input(0), nullptr);
  const Graph& graph = *loop.GraphAttribute("body");
  ASSERT_EQ(graph.inputs().size(), 3u);
  EXPECT_EQ(graph.inputs()[0]->type.ToString(), "int64[]");
  ASSERT_EQ(graph.outputs().size(), 3u);
  EXPECT_EQ(graph.outputs()[0]->producer()->input(0), graph.inputs()[1]);
  EXPECT_EQ(graph.outputs()[1], graph.outputs()[2]);
}

TEST(Subgraph, MayShadowNames) {
  const Message branch =
      MakeGraph({MakeNode("Neg", {"c"}, {"x"}), MakeNode("Abs", {"x"}, {"r"})}, {}, {Info("r", 1)});
  const auto model = Read(ModelOf(WithCondition({If(branch, branch)})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph->nodes().front()->GraphAttribute("then_branch");
  EXPECT_EQ(graph.nodes().back()->input(0), graph.nodes().front()->output(0));
}

TEST(Subgraph, MustNotReadItsOwnNode) {
  const Message branch = MakeGraph({MakeNode("Neg", {"y"}, {"r"})}, {}, {Info("r", 1)});
  EXPECT_EQ(
      ErrorOf(ModelOf(WithCondition({If(branch, branch)}))),
      "model 'm.onnx': node 'y' (If, opset 13): it depends on its own output; a graph must not "
      "contain a cycle, export the model again");
}

TEST(Subgraph, NestingIsBounded) {
  const auto nested = [](int depth) {
    Message graph = MakeGraph({MakeNode("Neg", {"x"}, {"r"})}, {}, {Info("r", 1)});
    for (int i = 1; i < depth; ++i) {
      graph = MakeGraph({MakeNode("If", {"c"}, {"r"}, {GraphAttribute("then_branch", graph)})}, {},
                        {Info("r", 1)});
    }
    return ModelOf(
        WithCondition({MakeNode("If", {"c"}, {"y"}, {GraphAttribute("then_branch", graph)})}));
  };
  EXPECT_EQ(ErrorOf(nested(32)), "");
  const std::string error = ErrorOf(nested(33));
  EXPECT_NE(error.find("subgraphs and functions are nested more than 32 deep; flatten the model"),
            std::string::npos)
      << error;
}

}  // namespace
}  // namespace mullion
