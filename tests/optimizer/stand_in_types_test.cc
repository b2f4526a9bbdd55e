// SPDX-License-Identifier: MIT
#include "optimizer/stand_in_types.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

// A device that has everything but small integers and mixed types.
class NoSmallIntegers final : public optimizer::Capabilities {
 public:
  bool Supports(const Node& node) const override {
    for (const Value* const input : node.inputs()) {
      const ElementType type = input->type.element_type;
      if (type == ElementType::kInt8 || type != node.input(0)->type.element_type) return false;
    }
    return true;
  }
};

TEST(StandInTypes, SumsSmallIntegersInInt64) {
  GraphMaker maker;
  Value& x = maker.graph.AddInput("x", TypeInfo::Tensor(ElementType::kInt8, {2, 2}));
  Value& y = maker.Add("Einsum", {&x, &x});
  y.producer()->SetAttribute("equation", std::string("ij,jk->ik"));
  ASSERT_TRUE(maker.Finish(y).ok());
  EXPECT_TRUE(optimizer::StandInTypes(maker.graph, NoSmallIntegers()));
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_EQ(TextOf(maker.graph), "Cast Cast Einsum Cast");
}

TEST(StandInTypes, LeavesWhatADeviceHas) {
  GraphMaker maker;
  Value& x = maker.graph.AddInput("x", TypeInfo::Tensor(ElementType::kInt32, {2, 2}));
  Value& y = maker.Add("Einsum", {&x, &x});
  y.producer()->SetAttribute("equation", std::string("ij,jk->ik"));
  ASSERT_TRUE(maker.Finish(y).ok());
  EXPECT_FALSE(optimizer::StandInTypes(maker.graph, NoSmallIntegers()));
}

TEST(StandInTypes, WritesProductsOfSmallFloatsOut) {
  GraphMaker maker;
  const auto input = [&](ElementType type, const Shape& shape) {
    return &maker.graph.AddInput("x", TypeInfo::Tensor(type, shape));
  };
  const auto bytes = ElementType::kFloat8E4M3FN;
  Value& y = maker.Add("QLinearMatMul",
                       {input(bytes, {2, 3}), input(ElementType::kFloat, {}), input(bytes, {}),
                        input(bytes, {3, 2}), input(ElementType::kFloat, {}), input(bytes, {}),
                        input(ElementType::kFloat, {}), input(bytes, {})});
  ASSERT_TRUE(maker.Finish(y).ok());
  EXPECT_TRUE(optimizer::StandInTypes(maker.graph, NoSmallIntegers()));
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_EQ(TextOf(maker.graph), "DequantizeLinear DequantizeLinear MatMul QuantizeLinear");
}

}  // namespace
}  // namespace mullion
