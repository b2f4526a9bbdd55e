// SPDX-License-Identifier: MIT
#include "optimizer/fuse_epilogue.h"

#include <gtest/gtest.h>

#include "optimizer/fold_batch_normalization.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

TEST(FuseEpilogue, TakesBiasResidualAndActivation) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& left = maker.Conv(x, 4, 4);
  Value& biased = maker.Add("Add", {&left, &maker.Constant({4, 1, 1})});
  Value& sum = maker.Add("Add", {&biased, &x});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&sum})).ok());
  EXPECT_EQ(TextOf(maker.graph), "Conv Add Add Relu");
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv+residual+Relu");
  const Node& conv = *maker.graph.nodes().front();
  EXPECT_EQ(conv.input(2)->constant.shape(), Shape({4}));
  EXPECT_EQ(conv.input(3), &x);
  EXPECT_TRUE(maker.graph.Validate().ok());
}

// As SkipLayerNormalization is written out.
TEST(FuseEpilogue, TakesTheBiasBehindTheResidual) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& sum = maker.Add("Add", {&maker.Conv(x, 4, 4), &x});
  Value& biased = maker.Add("Add", {&sum, &maker.Constant({4, 1, 1})});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&biased})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv+residual+Relu");
  EXPECT_NE(maker.graph.nodes().front()->input(2), nullptr);
  EXPECT_TRUE(maker.graph.Validate().ok());
}

// Old ResNets add by Sum.
TEST(FuseEpilogue, TakesTheSumOfTwo) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& sum = maker.Add("Sum", {&maker.Conv(x, 4, 4), &x});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&sum})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv+residual+Relu");
  EXPECT_TRUE(maker.graph.Validate().ok());
}

TEST(FuseEpilogue, LeavesTheSumOfThree) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  ASSERT_TRUE(maker.Finish(maker.Add("Sum", {&maker.Conv(x, 4, 4), &x, &x})).ok());
  EXPECT_FALSE(optimizer::FuseEpilogue(maker.graph));
}

TEST(FuseEpilogue, GivesAMatrixProductItsResidual) {
  GraphMaker maker;
  Value& x = maker.Input({8, 4});
  Value& product = maker.Add("MatMul", {&x, &maker.Constant({4, 4})});
  Value& biased = maker.Add("Add", {&product, &maker.Constant({4})});
  ASSERT_TRUE(maker.Finish(maker.Add("Add", {&biased, &x})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "MatMul");
  EXPECT_EQ(maker.graph.nodes().front()->input(3), &x);
}

TEST(FuseEpilogue, MovesTheConvolutionBehindTheOtherOperand) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& first = maker.Conv(x, 4, 4);
  Value& other = maker.Add("Sigmoid", {&x});
  Value& twice = maker.Add("Exp", {&other});
  ASSERT_TRUE(maker.Finish(maker.Add("Add", {&first, &twice})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Sigmoid Exp Conv+residual");
  EXPECT_TRUE(maker.graph.Validate().ok());
}

TEST(FuseEpilogue, GoesIntoNormalizations) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& normal = maker.Add("InstanceNormalization",
                            {&maker.Conv(x, 4, 4), &maker.Constant({4}), &maker.Constant({4})});
  Value& sum = maker.Add("Add", {&normal, &x});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&sum})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv InstanceNormalization+residual+Relu");
  EXPECT_EQ(maker.graph.nodes().back()->input(3), &x);
  EXPECT_TRUE(maker.graph.Validate().ok());
}

TEST(FuseEpilogue, KnowsSwish) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 4, 8, 8}), 4, 4);
  Value& gate = maker.Add("Sigmoid", {&conv});
  ASSERT_TRUE(maker.Finish(maker.Add("Mul", {&conv, &gate})).ok());
  EXPECT_TRUE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv+Swish");
}

TEST(FuseEpilogue, LeavesWhatIsReadElsewhere) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 4, 8, 8}), 4, 4);
  maker.graph.AddOutput(conv);
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&conv})).ok());
  EXPECT_FALSE(optimizer::FuseEpilogue(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv Relu");
}

TEST(FoldBatchNormalization, ScalesWeightsAndShiftsTheBias) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 1, 2, 2}), 1, 2);
  // scale 3, bias 5, mean 2, variance 4 - epsilon.
  Value& normal =
      maker.Add("BatchNormalization", {&conv, &maker.Constant({2}, 3), &maker.Constant({2}, 5),
                                       &maker.Constant({2}, 2), &maker.Constant({2}, 4 - 1e-5f)});
  ASSERT_TRUE(maker.Finish(normal).ok());
  EXPECT_TRUE(optimizer::FoldBatchNormalization(maker.graph));
  EXPECT_EQ(TextOf(maker.graph), "Conv");
  const Node& node = *maker.graph.nodes().front();
  EXPECT_FLOAT_EQ(node.input(1)->constant.span<float>()[0], 1.5f);
  EXPECT_FLOAT_EQ(node.input(2)->constant.span<float>()[1], 2.0f);
}

}  // namespace
}  // namespace mullion
