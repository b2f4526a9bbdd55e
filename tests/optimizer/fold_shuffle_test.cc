// SPDX-License-Identifier: MIT
#include "optimizer/fold_shuffle.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class Shuffles final : public optimizer::Capabilities {
 public:
  explicit Shuffles(bool can) : can_(can) {}
  bool Supports(const Node& /*node*/) const override { return can_; }

 private:
  bool can_;
};
const Shuffles kAll(true);
const Shuffles kNone(false);

class FoldShuffle : public testing::Test {
 protected:
  // Weights or a bias that count from 0 on.
  Value& Counting(const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
    std::iota(values.begin(), values.end(), 0.0f);
    return maker_.graph.AddConstant("c", Tensor::FromSpan<float>(shape, values));
  }
  // 12 channels of which `groups` are exchanged with what is in them.
  Value& Shuffled(Value& x, int64_t groups) {
    const auto shape = [&](const Ints& dims) {
      return &maker_.graph.AddConstant("shape", Tensor::Vector<int64_t>(dims));
    };
    Value& split = maker_.Add("Reshape", {&x, shape({2, groups, 12 / groups, 8, 9})});
    Value& turned = maker_.Add("Transpose", {&split});
    turned.producer()->SetAttribute("perm", Ints{0, 2, 1, 3, 4});
    return maker_.Add("Reshape", {&turned, shape({2, 12, 8, 9})});
  }
  Value& Depthwise(Value& x) {
    Value& out = maker_.Add("Conv", {&x, &Counting({12, 1, 3, 3}), &Counting({12})});
    out.producer()->SetAttribute("group", int64_t{12});
    out.producer()->SetAttribute("pads", Ints{1, 1, 1, 1});
    return out;
  }
  Value& Grouped(Value& x, int64_t groups, int64_t kernel = 1, int64_t channels = 6) {
    Value& out = maker_.Add("Conv", {&x, &Counting({channels, 12 / groups, kernel, kernel})});
    out.producer()->SetAttribute("group", groups);
    return out;
  }
  Value& Image() { return maker_.Conv(maker_.Input({2, 3, 8, 9}), 3, 12); }

  std::string Folded(Value& output, const optimizer::Capabilities* capabilities = nullptr) {
    return maker_.Rewritten(
        output, [=](Graph& graph) { return optimizer::FoldShuffle(graph, capabilities); });
  }

  GraphMaker maker_;
};

constexpr char kKept[] =
    "Transpose(0,2,3,1) Conv@last Reshape Transpose(0,1,2,4,3) Reshape Conv@last Conv@last "
    "Transpose(0,3,1,2)";

TEST_F(FoldShuffle, ReadersFindTheirChannels) {
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(Image(), 2)), 3)),
            "Transpose(0,2,3,1) Conv@last Conv@last Reshape Conv@last Transpose(0,3,1,2)");
  const Node& grouped = **std::prev(maker_.graph.nodes().end(), 2);
  EXPECT_EQ(grouped.input(0)->type.shape, Shape({2, 8, 18, 6}));
  EXPECT_EQ(grouped.input(1)->constant.shape(), Shape({6, 2, 1, 2}));
  EXPECT_EQ(grouped.input(1)->constant.span<float>()[7], 7.0f);
  const auto strides = grouped.IntsAttribute("strides");
  EXPECT_EQ(Ints(strides.begin(), strides.end()), (Ints{1, 2}));
  // Before the shuffle channel 1 of group 1 is the seventh; it was number 3 behind it.
  const Node& depthwise = *grouped.input(0)->producer()->input(0)->producer();
  EXPECT_EQ(depthwise.input(1)->constant.span<float>()[7 * 9], 3 * 9.0f);
  EXPECT_EQ(depthwise.input(2)->constant.span<float>()[7], 3.0f);
}

TEST_F(FoldShuffle, GroupsMustHoldWholeOnesOfTheShuffle) {
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(Image(), 4)), 2)), kKept);
}

TEST_F(FoldShuffle, OneGroupIsLeftAlone) {
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(Image(), 2)), 1)), kKept);
}

TEST_F(FoldShuffle, WiderKernelsAreLeftAlone) {
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(Image(), 2)), 3, 3)), kKept);
}

TEST_F(FoldShuffle, FourGroupsGiveOutTheirChannelsShuffled) {
  Value& made = Grouped(Image(), 4, 1, 12);
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(made, 4)), 2), &kAll),
            "Transpose(0,2,3,1) Conv@last Conv@last Conv@last Conv@last Transpose(0,3,1,2)");
  const Node& grouped = *maker_.graph.nodes().back()->input(0)->producer();
  const Node& conv = *grouped.input(0)->producer()->input(0)->producer();
  EXPECT_EQ(conv.IntAttribute("shuffles_channels", 0), 1);
  EXPECT_EQ(conv.output(0)->type.shape, Shape({2, 8, 9, 12}));
}

TEST_F(FoldShuffle, OtherGroupsGiveOutTheirOwn) {
  const auto keeps = [&](Value& output, const optimizer::Capabilities* capabilities) {
    return Folded(output, capabilities).find("Transpose(0,1,2,4,3)") != std::string::npos;
  };
  EXPECT_TRUE(keeps(Depthwise(Shuffled(Grouped(Image(), 2, 1, 12), 2)), &kAll));
  EXPECT_TRUE(keeps(Depthwise(Shuffled(Grouped(Image(), 4, 1, 12), 2)), &kAll));
  EXPECT_TRUE(keeps(Depthwise(Shuffled(Grouped(Image(), 4, 1, 12), 4)), &kNone));
  Value& made = Grouped(Image(), 4, 1, 12);
  Value& shuffled = Depthwise(Shuffled(made, 4));
  maker_.graph.AddOutput(made);
  EXPECT_TRUE(keeps(shuffled, &kAll));
}

TEST_F(FoldShuffle, WhatReadersFindIsGivenOutShuffledWhereThatIsShort) {
  Value& short_one = Grouped(Image(), 4, 1, 12);
  EXPECT_EQ(Folded(Grouped(Depthwise(Shuffled(short_one, 4)), 3), &kAll).find("Reshape"),
            std::string::npos);
}

TEST_F(FoldShuffle, WhatReadersFindIsElseReadAsItIs) {
  Value& image = maker_.Conv(maker_.Input({2, 3, 8, 9}), 3, 68);
  Value& made = maker_.Add("Conv", {&image, &Counting({12, 17, 1, 1})});
  made.producer()->SetAttribute("group", int64_t{4});
  EXPECT_NE(Folded(Grouped(Depthwise(Shuffled(made, 4)), 3), &kAll)
                .find("Conv@last Conv@last Reshape Conv@last"),
            std::string::npos);
}

// The first shuffle is read as it is; the second must not be given out by what then reads it so.
TEST_F(FoldShuffle, OneConvolutionDoesNotDoBoth) {
  Value& both = Grouped(Depthwise(Shuffled(Image(), 3)), 4, 1, 12);
  const std::string text = Folded(Depthwise(Shuffled(both, 4)), &kAll);
  EXPECT_NE(text.find("Transpose(0,1,2,4,3)"), std::string::npos);
}

TEST_F(FoldShuffle, WhatOthersReadStays) {
  Value& shuffled = Shuffled(Image(), 2);
  Value& grouped = Grouped(Depthwise(shuffled), 3);
  maker_.graph.AddOutput(shuffled);
  EXPECT_NE(Folded(grouped).find("Transpose(0,1,2,4,3)"), std::string::npos);
}

}  // namespace
}  // namespace mullion
