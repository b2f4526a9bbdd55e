// SPDX-License-Identifier: MIT
#include "optimizer/turn_transposed.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class TurnTransposed : public testing::Test {
 protected:
  // Weights 0, 1, 2 and so on.
  Value& Transposed(const Shape& image, const Shape& weights, const Ints& strides) {
    std::vector<float> values(static_cast<size_t>(weights.ElementCount()));
    std::iota(values.begin(), values.end(), 0.0f);
    Value& constant = maker_.graph.AddConstant("w", Tensor::FromSpan<float>(weights, values));
    Value& out = maker_.Add("ConvTranspose", {&maker_.Input(image), &constant});
    out.producer()->SetAttribute("strides", strides);
    return out;
  }
  bool Turn(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    const bool changed = optimizer::TurnTransposed(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    EXPECT_TRUE(optimizer::InferGraph(maker_.graph, BuiltInOperators()).ok());
    EXPECT_EQ(output.type.shape, before);
    return changed;
  }

  GraphMaker maker_;
};

TEST_F(TurnTransposed, MakesItAConvolution) {
  Value& out = Transposed({1, 2, 5, 6}, {2, 3, 2, 3}, {1, 1});
  Node& node = *out.producer();
  node.SetAttribute("dilations", Ints{3, 1});
  node.SetAttribute("pads", Ints{0, 1, 4, 3});
  node.SetAttribute("output_padding", Ints{2, 0});
  EXPECT_TRUE(Turn(out));
  EXPECT_EQ(TextOf(maker_.graph), "Conv");
  const auto pads = node.IntsAttribute("pads");
  EXPECT_EQ(Ints(pads.begin(), pads.end()), (Ints{3, 1, 1, -1}));
  EXPECT_EQ(node.input(1)->constant.shape(), Shape({3, 2, 2, 3}));
  const auto w = node.input(1)->constant.span<float>();
  // Output channel 1, input channel 0, and then 1: the kernels from 6 and from 24 on, turned.
  const std::vector<float> expected = {11, 10, 9, 8, 7, 6, 29, 28, 27, 26, 25, 24};
  EXPECT_EQ(std::vector<float>(w.begin() + 12, w.begin() + 24), expected);
}

TEST_F(TurnTransposed, TurnsEveryGroup) {
  Value& out = Transposed({1, 4, 7}, {4, 1, 3}, {1});
  out.producer()->SetAttribute("group", int64_t{4});
  EXPECT_TRUE(Turn(out));
  const auto w = out.producer()->input(1)->constant.span<float>();
  EXPECT_EQ(std::vector<float>(w.begin(), w.end()),
            (std::vector<float>{2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9}));
}

TEST_F(TurnTransposed, LeavesStrides) {
  EXPECT_FALSE(Turn(Transposed({1, 2, 5, 6}, {2, 3, 2, 3}, {1, 2})));
}

}  // namespace
}  // namespace mullion
