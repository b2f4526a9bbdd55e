// SPDX-License-Identifier: MIT
#include "optimizer/fuse_gelu.h"

#include <gtest/gtest.h>

#include "optimizer/fuse_epilogue.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

class FuseGelu : public testing::Test {
 protected:
  Value& Number(float value) { return maker_.Constant({}, value); }
  Value& Gate(std::string_view function, Value& argument) {
    return maker_.Add("Add", {&maker_.Add(function, {&argument}), &Number(1)});
  }
  Value& Times(Value& a, Value& b) { return maker_.Add("Mul", {&a, &b}); }
  bool Run(Value& output) {
    EXPECT_TRUE(maker_.Finish(output).ok());
    const bool changed = optimizer::FuseGelu(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    return changed;
  }
  std::string Text() const { return TextOf(maker_.graph); }
  std::string Approximation() const {
    return std::string(maker_.graph.nodes().front()->StringAttribute("approximate", "none"));
  }

  GraphMaker maker_;
  Value& x_ = maker_.Input({2, 3});
};

TEST_F(FuseGelu, KnowsTheErrorFunctionsForm) {
  Value& gate = Gate("Erf", maker_.Add("Div", {&x_, &Number(1.41421354f)}));
  EXPECT_TRUE(Run(Times(Times(x_, gate), Number(0.5f))));
  EXPECT_EQ(Text(), "Gelu");
  EXPECT_EQ(Approximation(), "none");
}

TEST_F(FuseGelu, KnowsItInAnotherOrder) {
  Value& gate = Gate("Erf", Times(Number(0.70710678f), x_));
  EXPECT_TRUE(Run(Times(gate, maker_.Add("Div", {&x_, &Number(2)}))));
  EXPECT_EQ(Text(), "Gelu");
}

TEST_F(FuseGelu, KnowsTheTanhForm) {
  Value& cubic = Times(maker_.Add("Pow", {&x_, &Number(3)}), Number(0.044715f));
  Value& gate = Gate("Tanh", Times(maker_.Add("Add", {&x_, &cubic}), Number(0.7978846f)));
  EXPECT_TRUE(Run(Times(Times(x_, Number(0.5f)), gate)));
  EXPECT_EQ(Text(), "Gelu");
  EXPECT_EQ(Approximation(), "tanh");
}

TEST_F(FuseGelu, KnowsTheTanhFormByProducts) {
  Value& square = Times(Times(x_, x_), Number(0.044715f));
  Value& sum = maker_.Add("Add", {&Number(1), &square});
  Value& gate = Gate("Tanh", Times(Times(x_, Number(0.7978846f)), sum));
  EXPECT_TRUE(Run(Times(Times(x_, Number(0.5f)), gate)));
  EXPECT_EQ(Text(), "Gelu");
  EXPECT_EQ(Approximation(), "tanh");
}

TEST_F(FuseGelu, LeavesOtherNumbersAndOtherOperands) {
  Value& gate = Gate("Erf", maker_.Add("Div", {&x_, &Number(1.5f)}));
  Value& other = Gate("Erf", maker_.Add("Div", {&maker_.Add("Neg", {&x_}), &Number(1.41421354f)}));
  Value& first = Times(Times(x_, gate), Number(0.5f));
  Value& second = Times(Times(x_, other), Number(0.5f));
  EXPECT_FALSE(Run(maker_.Add("Add", {&first, &second})));
}

TEST_F(FuseGelu, LeavesWhatTheGateIsBroadcastTo) {
  Value& gate = Gate("Erf", maker_.Add("Div", {&x_, &Number(1.41421354f)}));
  Value& half = maker_.Constant({4, 1, 1}, 0.5f);
  EXPECT_FALSE(Run(Times(Times(x_, gate), half)));
}

TEST_F(FuseGelu, BecomesTheEpilogueOfAProduct) {
  Value& product = maker_.Add("MatMul", {&x_, &maker_.Constant({3, 5})});
  Value& gate = Gate("Erf", maker_.Add("Div", {&product, &Number(1.41421354f)}));
  EXPECT_TRUE(Run(Times(Times(product, gate), Number(0.5f))));
  EXPECT_TRUE(optimizer::FuseEpilogue(maker_.graph));
  EXPECT_EQ(Text(), "MatMul+Gelu");
}

}  // namespace
}  // namespace mullion
