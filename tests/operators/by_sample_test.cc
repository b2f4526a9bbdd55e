// SPDX-License-Identifier: MIT
#include "operators/by_sample.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace mullion::operators {
namespace {

// What a node of so many inputs says for these shapes; a shape of rank 0 is an input left out.
uint32_t Bits(Graph& graph, std::string_view name, std::initializer_list<Shape> shapes,
              const Shape& output, std::string_view domain = "", int outputs = 1) {
  std::vector<Value*> values;
  std::vector<const Shape*> inputs;
  for (const Shape& shape : shapes) {
    const bool there = shape.rank() > 0;
    values.push_back(there ? &graph.AddInput("", TypeInfo::Tensor(ElementType::kFloat, shape))
                           : nullptr);
    inputs.push_back(there ? &shape : nullptr);
  }
  Node& node = graph.AddNode(domain, name, 21, values, outputs, "n");
  if (name == "Transpose") node.SetAttribute("perm", std::vector<int64_t>{0, 2, 1});
  if (name == "Concat") node.SetAttribute("axis", int64_t{-1});
  return InputsBySample(node, inputs, output);
}

TEST(BySample, ImagesAndResidualsButNotWeights) {
  Graph graph;
  const Shape image{4, 8, 8, 3};
  EXPECT_EQ(Bits(graph, "Conv", {image, {3, 3, 1, 1}}, image), 0b1u);
  EXPECT_EQ(Bits(graph, "Conv", {image, {3, 3, 1, 1}, {3}, image}, image), 0b1001u);
  EXPECT_EQ(Bits(graph, "MaxPool", {image}, image), 0b1u);
  EXPECT_EQ(Bits(graph, "Resize", {image, {}, {4}}, image), 0b1u);
}

TEST(BySample, WhatMeasuresOrCountsThroughTheBatchIsNot) {
  Graph graph;
  const Shape image{4, 8, 8, 3};
  EXPECT_EQ(Bits(graph, "MaxPool", {image}, image, "", 2), 0u);
  EXPECT_EQ(Bits(graph, "Resize", {image, {}, {}, {4}}, image), 0u);
  EXPECT_EQ(Bits(graph, "ScaledConv", {image, {3, 3, 1, 1}}, image, "mullion"), 0u);
  EXPECT_EQ(Bits(graph, "DynamicQuantizeLinear", {image}, image), 0u);
  EXPECT_EQ(Bits(graph, "MatMul", {image, {3, 3}}, image), 0u);
  EXPECT_EQ(Bits(graph, "Relu", {image}, image, "of.somebody"), 0u);
}

TEST(BySample, BroadcastOperandsServeAllSamples) {
  Graph graph;
  const Shape out{4, 8, 3};
  EXPECT_EQ(Bits(graph, "Add", {out, out}, out), 0b11u);
  EXPECT_EQ(Bits(graph, "Add", {{1, 8, 3}, out}, out), 0b10u);
  EXPECT_EQ(Bits(graph, "Add", {out, {8, 3}}, out), 0b01u);
  EXPECT_EQ(Bits(graph, "Add", {{4, 1, 3}, {4, 8, 1}}, out), 0b11u);
}

TEST(BySample, AxesBehindTheFirstAreFree) {
  Graph graph;
  const Shape image{4, 8, 3};
  EXPECT_EQ(Bits(graph, "Concat", {image, image}, {4, 8, 6}), 0b11u);
  EXPECT_EQ(Bits(graph, "Transpose", {image}, {4, 3, 8}), 0b1u);
  EXPECT_EQ(Bits(graph, "Split", {image}, image), 0u);  // along axis 0
  EXPECT_EQ(Bits(graph, "Softmax", {image}, image), 0b1u);
}

}  // namespace
}  // namespace mullion::operators
