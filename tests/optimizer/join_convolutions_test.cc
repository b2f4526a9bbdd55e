// SPDX-License-Identifier: MIT
#include "optimizer/join_convolutions.h"

#include <gtest/gtest.h>

#include <numeric>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

// One head of a detector: `channels` of x, then a depthwise kernel with a bias.
Value& DetectorHead(GraphMaker& maker, Value& x, int64_t channels, float value) {
  Value& narrow = maker.Conv(x, 64, channels);
  Value& y = maker.Add("Conv", {&narrow, &maker.Constant({channels, 1, 3, 3}, value),
                                &maker.Constant({channels}, -value)});
  y.producer()->SetAttribute("group", channels);
  y.producer()->SetAttribute("pads", std::vector<int64_t>{1, 1, 1, 1});
  return y;
}

std::string JoinedConvolutions(GraphMaker& maker, Value& output) {
  const Status status = maker.Finish(output);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::JoinConvolutions(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_TRUE(optimizer::InferGraph(maker.graph, BuiltInOperators()).ok());
  return TextOf(maker.graph);
}

TEST(JoinConvolutions, HeadsBecomeOneWithTheirDepthwiseKernels) {
  GraphMaker maker;
  Value& x = maker.Input({1, 64, 20, 20});
  Value& scores = DetectorHead(maker, x, 1, 1.0f);
  Value& sigmoid = maker.Add("Sigmoid", {&scores});
  Value& boxes = DetectorHead(maker, x, 4, 2.0f);
  Value& points = DetectorHead(maker, x, 10, 3.0f);
  Value& y = maker.Add("Concat", {&points, &sigmoid, &boxes});
  y.producer()->SetAttribute("axis", int64_t{1});
  EXPECT_EQ(JoinedConvolutions(maker, y), "Conv Conv Split Sigmoid Concat");
  EXPECT_EQ(y.type.shape, (Shape{1, 15, 20, 20}));
  EXPECT_EQ(scores.type.shape, (Shape{1, 1, 20, 20}));
  const Node& split = *boxes.producer();
  const auto sizes = split.input(1)->constant.span<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(sizes.begin(), sizes.end()), (std::vector<int64_t>{1, 4, 10}));
  const Node& depthwise = *split.input(0)->producer();
  EXPECT_EQ(depthwise.IntAttribute("group", 1), 15);
  const auto weights = depthwise.input(1)->constant.span<float>();
  EXPECT_EQ(weights[8], 1.0f);
  EXPECT_EQ(weights[9], 2.0f);
  const auto bias = depthwise.input(2)->constant.span<float>();
  EXPECT_EQ(std::accumulate(bias.begin(), bias.end(), 0.0f), -1.0f - 8.0f - 30.0f);
  EXPECT_EQ(depthwise.input(0)->producer()->input_count(), 2);
}

TEST(JoinConvolutions, OneOfThemMayHaveABias) {
  GraphMaker maker;
  Value& x = maker.Input({1, 64, 20, 20});
  Value& a = maker.Conv(x, 64, 6);
  Value& b = maker.Add("Conv", {&x, &maker.Constant({6, 64, 1, 1}), &maker.Constant({6}, 5.0f)});
  EXPECT_EQ(JoinedConvolutions(maker, maker.Add("Mul", {&a, &b})), "Conv Split Mul");
  const auto bias = a.producer()->input(0)->producer()->input(2)->constant.span<float>();
  EXPECT_EQ(bias[5], 0.0f);
  EXPECT_EQ(bias[6], 5.0f);
}

TEST(JoinConvolutions, DepthwiseKernelsThatDifferStay) {
  GraphMaker maker;
  Value& x = maker.Input({1, 64, 20, 20});
  Value& a = DetectorHead(maker, x, 6, 1.0f);
  Value& b = DetectorHead(maker, x, 6, 1.0f);
  b.producer()->SetAttribute("fused_activation", std::string("Relu"));
  EXPECT_EQ(JoinedConvolutions(maker, maker.Add("Mul", {&a, &b})), "Conv Split Conv Conv+Relu Mul");
}

TEST(JoinConvolutions, WideOnesAndThoseThatDifferStay) {
  GraphMaker wide;
  Value& x = wide.Input({1, 64, 20, 20});
  Value& a = wide.Conv(x, 64, 24);
  EXPECT_EQ(JoinedConvolutions(wide, wide.Add("Mul", {&a, &wide.Conv(x, 64, 24)})),
            "Conv Conv Mul");
  GraphMaker other;
  Value& z = other.Input({1, 64, 20, 20});
  Value& strided = other.Conv(z, 64, 8);
  strided.producer()->SetAttribute("dilations", std::vector<int64_t>{2, 2});
  EXPECT_EQ(JoinedConvolutions(other, other.Add("Mul", {&strided, &other.Conv(z, 64, 8)})),
            "Conv Conv Mul");
  GraphMaker few;
  Value& w = few.Input({1, 64, 20, 20});
  Value& one = few.Conv(w, 64, 1);
  EXPECT_EQ(JoinedConvolutions(few, few.Add("Mul", {&one, &few.Conv(w, 64, 1)})), "Conv Conv Mul");
}

}  // namespace
}  // namespace mullion
