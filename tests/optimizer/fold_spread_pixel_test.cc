// SPDX-License-Identifier: MIT
#include "optimizer/fold_spread_pixel.h"

#include <gtest/gtest.h>

#include <numeric>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

struct Head {
  // Conv(Concat(sigmoid(x), resized mean of x)) of 2 x 4 x 4 and `channels` at one pixel.
  Head(GraphMaker& maker, int64_t channels, int64_t kernel = 1)
      : x(maker.Input({1, 2, 4, 4})), pixel(maker.Add("GlobalAveragePool", {&x})) {
    Value& many = maker.Add("Conv", {&pixel, &maker.Constant({channels, 2, 1, 1})});
    std::vector<float> scales{1, 1, 4, 4};
    Value& scale = maker.graph.AddConstant("s", Tensor::Vector<float>(scales));
    Node& resize = maker.graph.AddBareNode("", "Resize", 19, nullptr);
    resize.origin = {"Resize", "Resize", "", 19, ""};
    resize.SetInput(0, &many);
    resize.SetInput(2, &scale);
    resize.SetOutput(0, &maker.graph.AddValue("resized"));
    resized = resize.output(0);
    Value& joined = maker.Add("Concat", {&maker.Add("Sigmoid", {&x}), resized});
    joined.producer()->SetAttribute("axis", int64_t{1});
    const int64_t in = channels + 2;
    std::vector<float> values(static_cast<size_t>(3 * in * kernel * kernel));
    std::iota(values.begin(), values.end(), 0.0f);
    weights = &maker.graph.AddConstant(
        "w", Tensor::FromSpan<float>(Shape{3, in, kernel, kernel}, values));
    Value& y = maker.Add("Conv", {&joined, weights, &maker.Constant({3})});
    const Status status = maker.Finish(maker.Add("Relu", {&y}));
    EXPECT_TRUE(status.ok()) << status.message();
  }
  Value& x;
  Value& pixel;
  Value* resized = nullptr;
  Value* weights = nullptr;
};

TEST(FoldSpreadPixel, ConvolvesThePixelAlone) {
  GraphMaker maker;
  const Head head(maker, 40);
  EXPECT_TRUE(optimizer::FoldSpreadPixel(maker.graph));
  optimizer::RemoveDeadCode(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_EQ(TextOf(maker.graph), "GlobalAveragePool Conv Sigmoid Conv Conv Add Relu");
  const Status inferred = optimizer::InferGraph(maker.graph, BuiltInOperators());
  EXPECT_TRUE(inferred.ok()) << inferred.message();
  const Node& sum = *(*std::prev(maker.graph.nodes().end()))->input(0)->producer();
  EXPECT_EQ(sum.output(0)->type.shape, Shape({1, 3, 4, 4}));
  const Node& image = *sum.input(0)->producer();
  const Node& small = *sum.input(1)->producer();
  EXPECT_NE(image.input(2), nullptr);
  EXPECT_EQ(small.input(2), nullptr);
  EXPECT_EQ(image.input(1)->constant.shape(), Shape({3, 2, 1, 1}));
  EXPECT_EQ(small.input(1)->constant.shape(), Shape({3, 40, 1, 1}));
  for (int64_t out = 0; out < 3; ++out) {
    const auto row = static_cast<size_t>(out);
    EXPECT_EQ(image.input(1)->constant.span<float>()[2 * row + 1], 42.0f * row + 1);
    EXPECT_EQ(small.input(1)->constant.span<float>()[40 * row], 42.0f * row + 2);
  }
}

TEST(FoldSpreadPixel, LeavesFewChannelsAndLargerKernels) {
  GraphMaker few;
  const Head little(few, 8);
  EXPECT_FALSE(optimizer::FoldSpreadPixel(few.graph));
  GraphMaker large;
  const Head wide(large, 40, 3);
  EXPECT_FALSE(optimizer::FoldSpreadPixel(large.graph));
}

}  // namespace
}  // namespace mullion
