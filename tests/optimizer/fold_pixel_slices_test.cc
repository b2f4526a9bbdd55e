// SPDX-License-Identifier: MIT
#include "optimizer/fold_pixel_slices.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Starts = std::vector<std::pair<int64_t, int64_t>>;

class PixelSlices : public testing::Test {
 protected:
  Value& Ints(std::vector<int64_t> values) {
    return maker_.graph.AddConstant("ints", Tensor::Vector<int64_t>(values));
  }
  // Every other pixel from `start` on along `axis`.
  Value& Slice(Value& x, int64_t axis, int64_t start) {
    return maker_.Add("Slice", {&x, &Ints({start}), &Ints({1 << 30}), &Ints({axis}), &Ints({2})});
  }
  Value& Joined(Value& x, const Starts& starts) {
    std::vector<Value*> parts;
    for (const auto& [y, x_start] : starts) parts.push_back(&Slice(Slice(x, 2, y), 3, x_start));
    Value& joined = *maker_.graph.AddNode("", "Concat", 13, parts, 1, "joined").output(0);
    joined.producer()->SetAttribute("axis", int64_t{1});
    return joined;
  }
  // A 3x3 convolution to one channel whose weights count up from 0.
  Value& Convolve(Value& x, int64_t channels) {
    std::vector<float> weights(static_cast<size_t>(channels * 9));
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i);
    Value& constant =
        maker_.graph.AddConstant("w", Tensor::FromSpan<float>({1, channels, 3, 3}, weights));
    Value& out = maker_.Add("Conv", {&x, &constant});
    out.producer()->SetAttribute("pads", std::vector<int64_t>{1, 2, 1, 0});
    return out;
  }
  std::string Folded(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    optimizer::FoldPixelSlices(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    return TextOf(maker_.graph);
  }

  GraphMaker maker_;
};

TEST_F(PixelSlices, AllPhasesBecomeAStride) {
  Value& x = maker_.Input({1, 1, 8, 12});
  Value& conv = Convolve(Joined(x, {{0, 0}, {1, 0}, {0, 1}, {1, 1}}), 4);
  EXPECT_EQ(Folded(conv), "Conv");
  const Node& node = *conv.producer();
  EXPECT_EQ(node.input(0), &x);
  const auto strides = node.IntsAttribute("strides");
  EXPECT_EQ(std::vector<int64_t>(strides.begin(), strides.end()), (std::vector<int64_t>{2, 2}));
  const auto pads = node.IntsAttribute("pads");
  EXPECT_EQ(std::vector<int64_t>(pads.begin(), pads.end()), (std::vector<int64_t>{2, 4, 2, 0}));
  const Tensor& weights = node.input(1)->constant;
  ASSERT_EQ(weights.shape(), (Shape{1, 1, 6, 6}));
  // The first two lines: phases (0, 0) and (0, 1), then (1, 0) and (1, 1), of kernel line 0.
  const auto w = weights.span<float>();
  EXPECT_EQ(std::vector<float>(w.begin(), w.begin() + 12),
            (std::vector<float>{0, 18, 1, 19, 2, 20, 9, 27, 10, 28, 11, 29}));
}

TEST_F(PixelSlices, BytesAreNoDifferent) {
  Value& x = maker_.graph.AddInput("x", TypeInfo::Tensor(ElementType::kUint8, {1, 1, 8, 12}));
  const auto constant = [&](const Tensor& tensor) {
    return &maker_.graph.AddConstant("c", tensor);
  };
  std::vector<int8_t> weights(36);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<int8_t>(i);
  Value* const zero = constant(Tensor::Scalar(uint8_t{3}));
  Value* const scale = constant(Tensor::Scalar(0.5f));
  Value& conv = maker_.Add(
      "QLinearConv",
      {&Joined(x, {{0, 0}, {1, 0}, {0, 1}, {1, 1}}), scale, zero,
       constant(Tensor::FromSpan<int8_t>({1, 4, 3, 3}, std::span<const int8_t>(weights))), scale,
       constant(Tensor::Scalar(int8_t{0})), scale, zero});
  EXPECT_EQ(Folded(conv), "QLinearConv");
  const Tensor& spread = conv.producer()->input(3)->constant;
  ASSERT_EQ(spread.shape(), (Shape{1, 1, 6, 6}));
  const auto w = spread.span<int8_t>();
  EXPECT_EQ(std::vector<int>(w.begin(), w.begin() + 12),
            (std::vector<int>{0, 18, 1, 19, 2, 20, 9, 27, 10, 28, 11, 29}));
}

TEST_F(PixelSlices, PhasesMustBeAllAndOnce) {
  Value& x = maker_.Input({1, 1, 8, 8});
  const std::string before = "Slice Slice Slice Slice Slice Slice Slice Slice Concat Conv";
  EXPECT_EQ(Folded(Convolve(Joined(x, {{0, 0}, {1, 0}, {1, 0}, {1, 1}}), 4)), before);
}

TEST_F(PixelSlices, OddSizesStay) {
  // Phase 1 of 7 pixels has 3, so both are cut to 6 pixels: not all of the image.
  Value& x = maker_.Input({1, 1, 7, 8});
  std::vector<Value*> parts;
  for (const int64_t start : {0, 1}) {
    parts.push_back(&maker_.Add("Slice", {&x, &Ints({start}), &Ints({6}), &Ints({2}), &Ints({2})}));
  }
  Value& joined = *maker_.graph.AddNode("", "Concat", 13, parts, 1, "joined").output(0);
  joined.producer()->SetAttribute("axis", int64_t{1});
  EXPECT_EQ(Folded(Convolve(joined, 2)), "Slice Slice Concat Conv");
}

TEST_F(PixelSlices, ManyChannelsStay) {
  Value& x = maker_.Input({1, 8, 8, 8});
  Value& conv = Convolve(Joined(x, {{0, 0}, {1, 0}, {0, 1}, {1, 1}}), 32);
  EXPECT_EQ(Folded(conv), "Slice Slice Slice Slice Slice Slice Slice Slice Concat Conv");
}

}  // namespace
}  // namespace mullion
