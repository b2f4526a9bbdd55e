// SPDX-License-Identifier: MIT
#include "optimizer/fuse_layer_normalization.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

class FuseLayerNormalization : public testing::Test {
 protected:
  Value& Number(float value) { return maker_.Constant({}, value); }
  Value& Mean(Value& x, int64_t axis = -1) {
    const std::vector<int64_t> axes{axis};
    return maker_.Add("ReduceMean",
                      {&x, &maker_.graph.AddConstant("axes", Tensor::Vector<int64_t>(axes))});
  }
  Value& Deviation(Value& square) {
    return maker_.Add("Sqrt", {&maker_.Add("Add", {&Mean(square), &Number(1e-6f)})});
  }
  Value& Times(Value& a, Value& b) { return maker_.Add("Mul", {&a, &b}); }
  bool Run(Value& output) {
    EXPECT_TRUE(maker_.Finish(output).ok());
    const bool changed = optimizer::FuseLayerNormalization(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    return changed;
  }
  std::string Text() const { return TextOf(maker_.graph); }
  const Node& Last() const { return *maker_.graph.nodes().back(); }

  GraphMaker maker_;
  Value& x_ = maker_.Input({kUnknownDim, 3, 5});
};

TEST_F(FuseLayerNormalization, KnowsItWithScaleAndShift) {
  Value& d = maker_.Add("Sub", {&x_, &Mean(x_)});
  Value& n = maker_.Add("Div", {&d, &Deviation(maker_.Add("Pow", {&d, &Number(2)}))});
  Value& scaled = Times(n, maker_.Constant({5}, 2));
  EXPECT_TRUE(Run(maker_.Add("Add", {&maker_.Constant({5}, 3), &scaled})));
  EXPECT_EQ(Text(), "LayerNormalization");
  EXPECT_EQ(Last().FloatAttribute("epsilon", 0), 1e-6f);
  EXPECT_EQ(Last().input_count(), 3);
}

TEST_F(FuseLayerNormalization, KnowsItAloneWithTheInverse) {
  Value& d = maker_.Add("Sub", {&x_, &Mean(x_, 2)});
  Value& inverse = maker_.Add("Reciprocal", {&Deviation(Times(d, d))});
  EXPECT_TRUE(Run(Times(inverse, d)));
  EXPECT_EQ(Text(), "LayerNormalization");
  EXPECT_EQ(Last().input(1)->constant.count(), 5);
}

TEST_F(FuseLayerNormalization, KnowsTheRootMeanSquare) {
  Value& square = maker_.Add("Pow", {&x_, &Number(2)});
  Value& inverse = maker_.Add("Div", {&Number(1), &Deviation(square)});
  EXPECT_TRUE(Run(Times(maker_.Constant({5}, 2), Times(x_, inverse))));
  EXPECT_EQ(Text(), "RMSNormalization");
}

TEST_F(FuseLayerNormalization, LeavesOtherAxesAndOperands) {
  Value& d = maker_.Add("Sub", {&x_, &Mean(x_, 1)});
  Value& other = maker_.Add("Neg", {&x_});
  Value& first = maker_.Add("Div", {&other, &Deviation(Times(d, d))});
  EXPECT_FALSE(Run(first));
}

TEST_F(FuseLayerNormalization, LeavesNumbersThatAddAxes) {
  Value& square = Times(x_, x_);
  Value& sum = maker_.Add("Add", {&Mean(square), &maker_.Constant({1, 1, 1, 1}, 1e-6f)});
  EXPECT_FALSE(Run(maker_.Add("Div", {&x_, &maker_.Add("Sqrt", {&sum})})));
}

TEST_F(FuseLayerNormalization, LeavesAScaleOfAnotherShapeBehind) {
  Value& n = maker_.Add("Div", {&x_, &Deviation(Times(x_, x_))});
  EXPECT_TRUE(Run(Times(n, maker_.Constant({3, 1}, 2))));
  EXPECT_EQ(Text(), "RMSNormalization Mul");
}

}  // namespace
}  // namespace mullion
