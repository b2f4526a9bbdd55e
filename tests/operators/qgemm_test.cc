// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

struct GemmGraph {
  GemmGraph(const Shape& a, const Shape& b) {
    const auto add = [&](const char* name, ElementType type, const Shape& shape) {
      inputs.push_back(&graph.AddInput(name, TypeInfo::Tensor(type, shape)));
    };
    add("a", ElementType::kUint8, a);
    add("a_scale", ElementType::kFloat, {});
    add("a_zero", ElementType::kUint8, {});
    add("b", ElementType::kInt8, b);
    add("b_scale", ElementType::kFloat, {});
    add("b_zero", ElementType::kInt8, {});
    node = &graph.AddNode("com.microsoft", "QGemm", 1, inputs, 1, "y");
    graph.AddOutput(*node->output(0));
  }
  Status Infer() { return optimizer::InferGraph(graph, BuiltInOperators()); }

  Graph graph;
  std::vector<Value*> inputs;
  Node* node;
};

TEST(Qgemm, TransposedOperandsGetATranspose) {
  GemmGraph gemm({kUnknownDim, 4}, {7, kUnknownDim});
  gemm.node->SetAttribute("transA", int64_t{1});
  gemm.node->SetAttribute("transB", int64_t{1});
  gemm.node->SetAttribute("alpha", 0.5f);
  const Status status = gemm.Infer();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(gemm.graph.node_count(), 3u);
  EXPECT_EQ(gemm.node->input(0)->producer()->operator_name(), "Transpose");
  EXPECT_EQ(gemm.node->input(3)->producer()->operator_name(), "Transpose");
  EXPECT_EQ(gemm.node->domain(), operators::kInternalDomain);
  EXPECT_EQ(gemm.node->FloatAttribute("alpha", 1), 0.5f);
  EXPECT_EQ(gemm.node->output(0)->type.element_type, ElementType::kFloat);
  EXPECT_EQ(gemm.node->output(0)->type.shape, Shape({4, 7}));
  EXPECT_TRUE(gemm.graph.Validate().ok());
}

TEST(Qgemm, OthersStayAsTheyAre) {
  GemmGraph gemm({2, 4}, {4, 7});
  gemm.node->SetAttribute("transB", int64_t{0});
  ASSERT_TRUE(gemm.Infer().ok());
  EXPECT_EQ(gemm.graph.node_count(), 1u);
  EXPECT_EQ(gemm.node->output(0)->type.shape, Shape({2, 7}));
}

TEST(Qgemm, RefusesWhatDoesNotFit) {
  GemmGraph gemm({2, 4}, {4, 7});
  gemm.node->SetAttribute("transB", int64_t{1});
  EXPECT_NE(gemm.Infer().message().find("after transA and transB"), std::string::npos);
}

}  // namespace
}  // namespace mullion
