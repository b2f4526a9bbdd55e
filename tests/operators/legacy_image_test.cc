// SPDX-License-Identifier: MIT
// ImageScaler, Affine and Crop of opset 1, which are written in terms of today's operators.
#include <gtest/gtest.h>

#include <limits>

#include "operators/registry.h"

namespace mullion {
namespace {

// A graph with one node of opset 1 whose input is an image.
class LegacyImage : public testing::Test {
 protected:
  Node& Make(std::string_view name, ElementType type = ElementType::kFloat) {
    Value& image = graph_.AddInput("image", TypeInfo::Tensor(type, Shape{1, 3, 8, 6}));
    Value* const inputs[] = {&image};
    Node& node = graph_.AddNode("", name, 1, inputs, 1, "out");
    node.origin = {"old", std::string(name), "", 1, ""};
    graph_.AddOutput(*node.output(0));
    return node;
  }

  static Status Upgrade(Node& node) {
    const OperatorDefinition* const form =
        BuiltInOperators().Find("", node.operator_name(), node.opset());
    return form->upgrade(node);
  }

  static std::vector<int64_t> Ints(const Node& node, int input) {
    const auto span = node.input(input)->constant.span<int64_t>();
    return std::vector<int64_t>(span.begin(), span.end());
  }

  Graph graph_;
};

TEST_F(LegacyImage, ScalesAndShiftsEveryChannel) {
  Node& node = Make("ImageScaler");
  node.SetAttribute("scale", 2.0f);
  node.SetAttribute("bias", std::vector<float>{-1, -2, -3});
  ASSERT_TRUE(Upgrade(node).ok());
  EXPECT_EQ(node.operator_name(), "Add");
  EXPECT_EQ(node.input(1)->constant.shape().ToString(), "[3,1,1]");
  EXPECT_EQ(node.input(1)->constant.span<float>()[2], -3);
  const Node& mul = *node.input(0)->producer();
  EXPECT_EQ(mul.operator_name(), "Mul");
  EXPECT_EQ(mul.origin.name, "old");
  EXPECT_EQ(mul.input(1)->constant.span<float>()[0], 2);
  EXPECT_TRUE(graph_.Validate().ok());
}

TEST_F(LegacyImage, LeavesOutAScaleOfOne) {
  Node& node = Make("ImageScaler");
  node.SetAttribute("bias", std::vector<float>{1, 2, 3});
  ASSERT_TRUE(Upgrade(node).ok());
  EXPECT_EQ(graph_.node_count(), 1u);
}

TEST_F(LegacyImage, RefusesABiasOfAnotherLength) {
  Node& node = Make("ImageScaler");
  node.SetAttribute("bias", std::vector<float>{1, 2});
  const Status status = Upgrade(node);
  EXPECT_NE(status.message().find("has 2 elements but input 0 has 3 channels"), std::string::npos);
}

TEST_F(LegacyImage, KeepsTheElementTypeOfTheImage) {
  Node& node = Make("Affine", ElementType::kFloat16);
  node.SetAttribute("alpha", 0.5f);
  node.SetAttribute("beta", 4.0f);
  ASSERT_TRUE(Upgrade(node).ok());
  EXPECT_EQ(node.operator_name(), "Add");
  EXPECT_EQ(node.input(1)->constant.type(), ElementType::kFloat16);
  EXPECT_EQ(static_cast<float>(node.input(1)->constant.span<Float16>()[0]), 4);
  EXPECT_EQ(node.input(0)->type.element_type, ElementType::kFloat16);
}

TEST_F(LegacyImage, CutsABorderOff) {
  Node& node = Make("Crop");
  node.SetAttribute("border", std::vector<int64_t>{1, 2, 0, 3});  // left, top, right, bottom
  ASSERT_TRUE(Upgrade(node).ok());
  EXPECT_EQ(node.operator_name(), "Slice");
  EXPECT_EQ(Ints(node, 1), std::vector<int64_t>({2, 1}));
  EXPECT_EQ(Ints(node, 2), std::vector<int64_t>({-3, std::numeric_limits<int64_t>::max()}));
  EXPECT_EQ(Ints(node, 3), std::vector<int64_t>({2, 3}));
}

TEST_F(LegacyImage, CutsOutAPartOfGivenSize) {
  Node& node = Make("Crop");
  node.SetAttribute("border", std::vector<int64_t>{1, 2, 9, 9});
  node.SetAttribute("scale", std::vector<int64_t>{4, 5});
  ASSERT_TRUE(Upgrade(node).ok());
  EXPECT_EQ(Ints(node, 2), std::vector<int64_t>({6, 6}));
}

TEST_F(LegacyImage, RefusesToCutMoreThanThereIs) {
  Node& node = Make("Crop");
  node.SetAttribute("border", std::vector<int64_t>{4, 0, 3, 0});
  EXPECT_NE(Upgrade(node).message().find("cuts 4 and 3 off an axis of 6"), std::string::npos);
}

}  // namespace
}  // namespace mullion
