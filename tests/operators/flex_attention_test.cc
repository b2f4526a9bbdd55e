// SPDX-License-Identifier: MIT
// FlexAttention becomes other operators.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "operators/registry.h"

namespace mullion {
namespace {

class FlexAttentionTest : public testing::Test {
 protected:
  FlexAttentionTest() {
    Value* const inputs[] = {&Input("q", {1, 4, 3, 8}), &Input("k", {1, 2, 5, 8}),
                             &Input("v", {1, 2, 5, 6})};
    node_ = &graph_.AddNode("ai.onnx.preview", "FlexAttention", 1, inputs, 1, "y");
    node_->origin = {"flex", "FlexAttention", "ai.onnx.preview", 1, ""};
    graph_.AddOutput(*node_->output(0));
  }

  Value& Input(const char* name, const Shape& shape) {
    return graph_.AddInput(name, TypeInfo::Tensor(ElementType::kFloat, shape));
  }
  Status Upgrade() {
    const OperatorDefinition* const definition =
        BuiltInOperators().Find("ai.onnx.preview", "FlexAttention", 1);
    return definition->upgrade(*node_);
  }
  // A graph that adds a value from around it to its input.
  std::shared_ptr<Graph> Body(Value& outer) {
    auto body = std::make_shared<Graph>(&graph_);
    Value* const inputs[] = {&body->AddInput("scores", {}), &outer};
    body->AddOutput(*body->AddNode("", "Add", 14, inputs, 1, "sum").output(0));
    return body;
  }
  int64_t Count(std::string_view name) const {
    return std::count_if(graph_.nodes().begin(), graph_.nodes().end(),
                         [&](const auto& node) { return node->operator_name() == name; });
  }
  void ExpectError(const std::string& text) {
    const Status status = Upgrade();
    EXPECT_EQ(status.code(), StatusCode::kInvalidModel);
    EXPECT_NE(status.message().find(text), std::string::npos) << status.message();
  }

  Graph graph_;
  Node* node_;
};

TEST_F(FlexAttentionTest, IsAttentionWithoutGraphs) {
  node_->SetAttribute("scale", 0.5f);
  ASSERT_TRUE(Upgrade().ok());
  EXPECT_EQ(node_->operator_name(), "Attention");
  EXPECT_EQ(node_->FloatAttribute("scale", 0), 0.5f);
  EXPECT_EQ(graph_.node_count(), 1u);
}

TEST_F(FlexAttentionTest, PutsItsGraphsInPlace) {
  Value& bias = Input("bias", {});
  node_->SetAttribute("score_mod", Body(bias));
  node_->SetAttribute("prob_mod", Body(bias));
  const Status status = Upgrade();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(Count("Add"), 2);
  EXPECT_EQ(Count("Softmax"), 1);
  EXPECT_EQ(Count("MatMul"), 2);
  EXPECT_EQ(bias.uses().size(), 2u);
  const Status valid = graph_.Validate();
  EXPECT_TRUE(valid.ok()) << valid.message();
}

TEST_F(FlexAttentionTest, WorksInThePrecisionThatIsAsked) {
  node_->SetAttribute("softmax_precision", static_cast<int64_t>(ElementType::kDouble));
  ASSERT_TRUE(Upgrade().ok());
  EXPECT_EQ(Count("Softmax"), 1);
  EXPECT_EQ(node_->operator_name(), "Cast");
  EXPECT_EQ(node_->IntAttribute("to", 0), static_cast<int64_t>(ElementType::kFloat));
}

TEST_F(FlexAttentionTest, RefusesWhatDoesNotFit) {
  node_->SetAttribute("softmax_precision", static_cast<int64_t>(ElementType::kInt8));
  ExpectError("'softmax_precision' is 3");
  node_->RemoveAttribute("softmax_precision");
  auto body = Body(*node_->input(0));
  body->AddInput("more", {});
  node_->SetAttribute("score_mod", body);
  ExpectError("'score_mod' must have one input and one output");
  node_->input(1)->type.shape = Shape{1, 3, 5, 8};
  ExpectError("the query has 4 heads, the key 3");
  node_->input(2)->type.shape = Shape{1, 3, 5};
  ExpectError("must have 4 axes");
  node_->input(2)->type.element_type = ElementType::kDouble;
  ExpectError("all must have one type");
  node_->SetInput(2, nullptr);
  ExpectError("input 2 must be there");
}

TEST_F(FlexAttentionTest, SaysThatGraphsOfGraphsAreNotSupported) {
  auto body = Body(*node_->input(0));
  body->nodes().front()->SetAttribute("then_branch", std::make_shared<Graph>(body.get()));
  node_->SetAttribute("score_mod", body);
  EXPECT_EQ(Upgrade().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mullion
