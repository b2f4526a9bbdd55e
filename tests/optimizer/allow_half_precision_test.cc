// SPDX-License-Identifier: MIT
#include "optimizer/allow_half_precision.h"

#include <gtest/gtest.h>

#include "operators/precision.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

TEST(AllowHalfPrecision, MarksProductsOfFloat) {
  GraphMaker maker;
  Value& image = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 4);
  Value& product = maker.Add("MatMul", {&image, &maker.Constant({8, 8})});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&product})).ok());
  optimizer::AllowHalfPrecision(maker.graph);
  for (const auto& node : maker.graph.nodes()) {
    EXPECT_EQ(operators::AllowsHalfPrecision(*node), node->operator_name() != "Relu");
  }
}

TEST(AllowHalfPrecision, LeavesDoubles) {
  GraphMaker maker;
  Value& x = maker.graph.AddInput("x", TypeInfo::Tensor(ElementType::kDouble, {4, 4}));
  ASSERT_TRUE(maker.Finish(maker.Add("MatMul", {&x, &x})).ok());
  optimizer::AllowHalfPrecision(maker.graph);
  EXPECT_FALSE(operators::AllowsHalfPrecision(*maker.graph.nodes().front()));
}

}  // namespace
}  // namespace mullion
