// SPDX-License-Identifier: MIT
#include "optimizer/fuse_elementwise.h"

#include <gtest/gtest.h>

#include "operators/fused_elementwise.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using operators::ElementwiseOp;

// The operations of the fused node at `place` in the graph.
std::vector<ElementwiseOp> ProgramOf(const Graph& graph, int place = 0) {
  auto node = graph.nodes().begin();
  std::advance(node, place);
  const auto program = operators::LoadProgram(**node);
  std::vector<ElementwiseOp> ops;
  if (!program.ok()) return ops;
  for (const auto& instruction : *program) ops.push_back(instruction.step.op);
  return ops;
}

TEST(FuseElementwise, ChainWithAGate) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& scaled = maker.Add("Mul", {&x, &maker.Constant({4, 1, 1})});
  Value& gate = maker.Add("Sigmoid", {&scaled});
  Value& gated = maker.Add("Mul", {&scaled, &gate});
  Value& y = maker.Add("Add", {&gated, &x});
  ASSERT_TRUE(maker.Finish(y).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "FusedElementwise");
  const Node& fused = *maker.graph.nodes().front();
  EXPECT_EQ(fused.input_count(), 2);
  EXPECT_EQ(fused.output(0), &y);  // the same value: name, type, place among the outputs
  EXPECT_EQ(ProgramOf(maker.graph),
            std::vector<ElementwiseOp>({ElementwiseOp::kMul, ElementwiseOp::kSigmoid,
                                        ElementwiseOp::kMul, ElementwiseOp::kAdd}));
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_TRUE(optimizer::InferGraph(maker.graph, BuiltInOperators()).ok());
  EXPECT_EQ(y.type.shape, Shape({1, 4, 8, 8}));
  EXPECT_FALSE(optimizer::FuseElementwise(maker.graph));
}

TEST(FuseElementwise, UnknownDimensionsThatAreTheSame) {
  GraphMaker maker;
  Value& x = maker.Input({kUnknownDim, kUnknownDim, 64});
  Value& biased = maker.Add("Add", {&x, &maker.Constant({64})});
  Value& error = maker.Add("Erf", {&maker.Add("Div", {&biased, &maker.Constant({})})});
  Value& sum = maker.Add("Add", {&error, &maker.Constant({})});
  ASSERT_TRUE(maker.Finish(maker.Add("Mul", {&biased, &sum})).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "FusedElementwise");
}

TEST(FuseElementwise, UnknownDimensionsThatMayDiffer) {
  // y may be what x is broadcast to: then sqrt(x) on x's own shape is less work.
  GraphMaker maker;
  Value& x = maker.Input({kUnknownDim, 64});
  Value& y = maker.graph.AddInput("y", TypeInfo::Tensor(ElementType::kFloat, {kUnknownDim, 64}));
  Value& root = maker.Add("Sqrt", {&x});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&maker.Add("Div", {&y, &root})})).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Sqrt FusedElementwise");
}

TEST(FuseElementwise, WhatIsSmallerStaysOutside) {
  GraphMaker maker;
  Value& x = maker.Input({8, 64});
  Value& mean = maker.graph.AddInput("m", TypeInfo::Tensor(ElementType::kFloat, {8, 1}));
  Value& root = maker.Add("Sqrt", {&maker.Add("Add", {&mean, &maker.Constant({})})});
  Value& normal = maker.Add("Div", {&x, &root});
  ASSERT_TRUE(maker.Finish(maker.Add("Mul", {&normal, &maker.Constant({64})})).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  // The small chain and the large one, each for itself.
  EXPECT_EQ(TextOf(maker.graph), "FusedElementwise FusedElementwise");
  EXPECT_EQ(ProgramOf(maker.graph, 0),
            std::vector<ElementwiseOp>({ElementwiseOp::kAdd, ElementwiseOp::kSqrt}));
}

TEST(FuseElementwise, WhatIsReadElsewhereIsComputedOnce) {
  GraphMaker maker;
  Value& x = maker.Input({8, 64});
  Value& first = maker.Add("Exp", {&x});
  Value& second = maker.Add("Neg", {&maker.Add("Relu", {&first})});
  maker.graph.AddOutput(first);
  ASSERT_TRUE(maker.Finish(second).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Exp FusedElementwise");
  EXPECT_TRUE(maker.graph.Validate().ok());
}

TEST(FuseElementwise, OtherTypesStay) {
  GraphMaker maker;
  Value& x = maker.graph.AddInput("x", TypeInfo::Tensor(ElementType::kInt64, {4}));
  Value& y = maker.Add("Neg", {&maker.Add("Abs", {&x})});
  ASSERT_TRUE(maker.Finish(y).ok());
  EXPECT_FALSE(optimizer::FuseElementwise(maker.graph));
}

TEST(FuseElementwise, LongChainsAreCut) {
  GraphMaker maker;
  Value* value = &maker.Input({16});
  for (int i = 0; i < 100; ++i) value = &maker.Add("Neg", {value});
  ASSERT_TRUE(maker.Finish(*value).ok());
  EXPECT_TRUE(optimizer::FuseElementwise(maker.graph));
  EXPECT_EQ(maker.graph.node_count(), 4u);
  EXPECT_TRUE(maker.graph.Validate().ok());
}

}  // namespace
}  // namespace mullion
