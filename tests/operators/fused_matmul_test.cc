// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

// How FusedMatMul turns an operand whose rank nobody knows.
std::string TurnedBy(const char* attribute, const char* other = nullptr) {
  Graph graph;
  TypeInfo unknown = TypeInfo::Tensor(ElementType::kFloat, {});
  unknown.has_shape = false;
  Value* const inputs[] = {&graph.AddInput("a", unknown),
                           &graph.AddInput("b", TypeInfo::Tensor(ElementType::kFloat, {3, 4, 5}))};
  Node& node = graph.AddNode("com.microsoft", "FusedMatMul", 1, inputs, 1, "y");
  node.SetAttribute(attribute, int64_t{1});
  if (other != nullptr) node.SetAttribute(other, int64_t{1});
  graph.AddOutput(*node.output(0));
  const Status status = optimizer::InferGraph(graph, BuiltInOperators());
  EXPECT_TRUE(status.ok()) << status.message();
  const Node* const turned = node.input(0)->producer();
  return turned == nullptr ? "" : std::string(turned->StringAttribute("equation", ""));
}

TEST(FusedMatmul, TurnsOperandsOfUnknownRank) {
  EXPECT_EQ(TurnedBy("transA"), "...ij->...ji");
  EXPECT_EQ(TurnedBy("transBatchA"), "i...j->...ij");
  EXPECT_EQ(TurnedBy("transA", "transBatchA"), "i...j->...ji");
}

}  // namespace
}  // namespace mullion
