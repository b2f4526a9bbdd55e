// SPDX-License-Identifier: MIT
#include "optimizer/fuse_attention.h"

#include <gtest/gtest.h>

#include "operators/attention.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using namespace operators::attention;

class FuseAttention : public testing::Test {
 protected:
  static constexpr int64_t kHeads = 3;
  static constexpr int64_t kSize = 4;

  Value& Turned(Value& x, std::vector<int64_t> perm) {
    Value& y = maker_.Add("Transpose", {&x});
    y.producer()->SetAttribute("perm", std::move(perm));
    return y;
  }
  Value& Ints(const std::vector<int64_t>& values) {
    return maker_.graph.AddConstant("i", Tensor::Vector<int64_t>(values));
  }
  Value& Split(Value& x) { return maker_.Add("Reshape", {&x, &Ints({0, 0, kHeads, kSize})}); }
  Value& Operand() { return maker_.Input({2, kUnknownDim, kHeads * kSize}); }
  Value& Weights(Value& scores) {
    Value& weights = maker_.Add("Softmax", {&scores});
    weights.producer()->SetAttribute("axis", int64_t{-1});
    return weights;
  }
  Value& Scaled(Value& scores) { return maker_.Add("Div", {&scores, &maker_.Constant({}, 2)}); }
  Value& Product(Value& a, Value& b) { return maker_.Add("MatMul", {&a, &b}); }
  Value& Joined(Value& mixed) {
    return maker_.Add("Reshape", {&Turned(mixed, {0, 2, 1, 3}), &Ints({0, 0, -1})});
  }
  Value& Scores() {
    return Product(Turned(Split(Operand()), {0, 2, 1, 3}), Turned(Split(Operand()), {0, 2, 3, 1}));
  }
  Value& Values() { return Turned(Split(Operand()), {0, 2, 1, 3}); }
  Value& Cached(Value& past) {
    Value& all = maker_.Add("Concat", {&past, &Values()});
    all.producer()->SetAttribute("axis", int64_t{2});
    return all;
  }

  bool Run(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const bool changed = optimizer::FuseAttention(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    return changed;
  }
  std::string Text() const { return TextOf(maker_.graph); }
  const Node& Last() const { return *maker_.graph.nodes().back(); }

  GraphMaker maker_;
};

TEST_F(FuseAttention, ReadsOperandsBeforeTheyAreSplitIntoHeads) {
  EXPECT_TRUE(Run(Joined(Product(Weights(Scaled(Scores())), Values()))));
  EXPECT_EQ(Text(), "Attention");
  EXPECT_EQ(Last().FloatAttribute("scale", 0), 0.5f);
  EXPECT_EQ(Last().IntAttribute("q_num_heads", 0), kHeads);
  EXPECT_EQ(Last().IntAttribute(kFusedFlatOutput, 0), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Last().input(i)->type.shape.rank(), 3);
}

TEST_F(FuseAttention, TakesScalesOfTheOperands) {
  Value& query = Turned(Split(Scaled(Operand())), {0, 2, 1, 3});
  Value& keys = Scaled(Turned(Split(Operand()), {0, 2, 3, 1}));
  EXPECT_TRUE(Run(Product(Weights(Product(query, keys)), Values())));
  EXPECT_EQ(Text(), "Attention");
  EXPECT_EQ(Last().FloatAttribute("scale", 0), 0.25f);
  EXPECT_EQ(Last().IntAttribute(kFusedFlatOutput, 1), 0);
}

TEST_F(FuseAttention, TakesAConditionAndABias) {
  Value& condition =
      maker_.graph.AddInput("c", TypeInfo::Tensor(ElementType::kBool, {kUnknownDim, kUnknownDim}));
  Value& bias = maker_.Input({2, 1, 1, kUnknownDim});
  Value& chosen = maker_.Add("Where", {&condition, &maker_.Constant({1}, -9), &Scaled(Scores())});
  EXPECT_TRUE(Run(Joined(Product(Weights(maker_.Add("Add", {&chosen, &bias})), Values()))));
  EXPECT_EQ(Text(), "Not Attention");
  EXPECT_EQ(Last().FloatAttribute(kFusedFill, 0), -9);
  EXPECT_EQ(Last().input(kMask), &bias);
  EXPECT_EQ(Last().input(kCondition)->producer()->input(0), &condition);
}

TEST_F(FuseAttention, JoinsPastAndPresent) {
  const Shape shape = {2, kHeads, kUnknownDim, kSize};
  Value& past_key = maker_.Input(shape);
  Value& past_value = maker_.Input(shape);
  Value& keys = Cached(past_key);
  Value& values = Cached(past_value);
  maker_.graph.AddOutput(keys);
  maker_.graph.AddOutput(values);
  Value& query = Turned(Split(Operand()), {0, 2, 1, 3});
  EXPECT_TRUE(Run(Joined(Product(Weights(Product(query, Turned(keys, {0, 1, 3, 2}))), values))));
  EXPECT_EQ(Text(), "Attention");
  EXPECT_EQ(Last().input(kPastKey), &past_key);
  EXPECT_EQ(Last().input(kPastValue), &past_value);
  EXPECT_EQ(Last().output(kPresentKey), &keys);
  EXPECT_EQ(Last().output(kPresentValue), &values);
}

TEST_F(FuseAttention, LeavesWhatOthersRead) {
  Value& weights = Weights(Scores());
  maker_.graph.AddOutput(weights);
  EXPECT_FALSE(Run(Product(weights, Values())));
}

TEST_F(FuseAttention, LeavesMasksThatScoresAreBroadcastTo) {
  Value& mask = maker_.Input({5, 2, kHeads, kUnknownDim, kUnknownDim});
  EXPECT_FALSE(Run(Weights(maker_.Add("Add", {&Scores(), &mask}))));
}

TEST_F(FuseAttention, LeavesABiasThatIsScaled) {
  Value& biased = maker_.Add("Add", {&Scores(), &maker_.Input({kUnknownDim, kUnknownDim})});
  EXPECT_FALSE(Run(Product(Weights(Scaled(biased)), Values())));
}

// As PyTorch's exporter writes it out.
TEST_F(FuseAttention, TakesKeysThatWereTurnedAsMatrices) {
  Value& query = maker_.Input({2, kHeads, 5, kSize});
  Value& key = maker_.Input({2, kHeads, 7, kSize});
  Value& value = maker_.Input({2, kHeads, 7, kSize});
  // Others are no transposed keys.
  for (const auto& [tokens, size] : {std::pair{int64_t{7}, kSize}, std::pair{kSize, int64_t{7}}}) {
    Value& matrices = maker_.Add("Reshape", {&key, &Ints({-1, tokens, size})});
    Value& turned = Turned(matrices, {0, 2, 1});
    Value& columns = Scaled(maker_.Add("Reshape", {&turned, &Ints({2, kHeads, kSize, 7})}));
    maker_.graph.AddOutput(Product(Weights(Product(Scaled(query), columns)), value));
  }
  EXPECT_TRUE(Run(maker_.Add("Exp", {&query})));
  EXPECT_EQ(Text(), "Attention Reshape Transpose(0,2,1) Reshape Div Div MatMul Softmax MatMul Exp");
  const Node& attention = *maker_.graph.nodes().front();
  EXPECT_EQ(attention.FloatAttribute("scale", 0), 0.25f);
  EXPECT_EQ(attention.input(kKey), &key);
}

TEST_F(FuseAttention, TakesWeightsWithoutNan) {
  Value& weights = Weights(Scores());
  Value& nan = maker_.Add("IsNaN", {&weights});
  EXPECT_TRUE(Run(
      Joined(Product(maker_.Add("Where", {&nan, &maker_.Constant({}, 0), &weights}), Values()))));
  EXPECT_EQ(Text(), "Attention");
  EXPECT_EQ(Last().IntAttribute(kFusedWithoutNan, 0), 1);
}

TEST_F(FuseAttention, LeavesWeightsWithOneInThePlaceOfNan) {
  Value& weights = Weights(Scores());
  Value& nan = maker_.Add("IsNaN", {&weights});
  EXPECT_FALSE(
      Run(Product(maker_.Add("Where", {&nan, &maker_.Constant({}, 1), &weights}), Values())));
}

}  // namespace
}  // namespace mullion
