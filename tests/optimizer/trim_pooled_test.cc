// SPDX-License-Identifier: MIT
#include "optimizer/trim_pooled.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class TrimPooled : public testing::Test {
 protected:
  // 2 channels of 14x15 to 3 of as many, less `pads`.
  Value& Conv(const Ints& pads, int64_t kernel = 5) {
    conv_ = &maker_.Conv(maker_.Input({1, 2, 14, 15}), 2, 3, kernel);
    conv_->producer()->SetAttribute("pads", pads);
    return *conv_;
  }
  Value& Pool(Value& x, int64_t kernel, int64_t stride, const Ints& pads = {0, 0, 0, 0}) {
    Value& out = maker_.Add("MaxPool", {&x});
    out.producer()->SetAttribute("kernel_shape", Ints{kernel, kernel});
    out.producer()->SetAttribute("strides", Ints{stride, stride});
    out.producer()->SetAttribute("pads", pads);
    return out;
  }
  // What the convolution makes behind the pass, which leaves the pool's output as it was.
  Shape Trimmed(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::TrimPooled(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    EXPECT_TRUE(optimizer::InferGraph(maker_.graph, BuiltInOperators()).ok());
    EXPECT_EQ(output.type.shape, before);
    return conv_->type.shape;
  }
  static Ints PadsOf(const Value& value) {
    const auto pads = value.producer()->IntsAttribute("pads");
    return {pads.begin(), pads.end()};
  }

  GraphMaker maker_;
  Value* conv_ = nullptr;
};

TEST_F(TrimPooled, LosesWhatThePoolDoesNotRead) {
  Value& out = Pool(Conv({2, 2, 2, 2}), 3, 3);
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 12, 15}));
  EXPECT_EQ(PadsOf(*conv_), (Ints{2, 2, 0, 2}));
}

TEST_F(TrimPooled, LosesPixelsOfTheImage) {
  Value& out = Pool(Conv({0, 0, 0, 0}, 3), 2, 2);
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 12, 12}));
  EXPECT_EQ(PadsOf(*conv_), (Ints{0, 0, 0, -1}));
}

TEST_F(TrimPooled, CountsInStrides) {
  Value& out = Pool(Conv({1, 1, 1, 1}, 3), 2, 2);
  conv_->producer()->SetAttribute("strides", Ints{2, 3});
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 6, 4}));
  EXPECT_EQ(PadsOf(*conv_), (Ints{1, 1, -1, -2}));
}

TEST_F(TrimPooled, ReplacesAutoPad) {
  Value& out = Pool(Conv({}), 4, 4);
  conv_->producer()->SetAttribute("auto_pad", "SAME_UPPER");
  out.producer()->SetAttribute("auto_pad", "VALID");
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 12, 12}));
  EXPECT_EQ(PadsOf(*conv_), (Ints{2, 2, 0, -1}));
  EXPECT_FALSE(conv_->producer()->HasAttribute("auto_pad"));
}

TEST_F(TrimPooled, KeepsThePadsOfThePool) {
  Value& out = Pool(Conv({2, 2, 2, 2}), 3, 3, {1, 0, 1, 0});
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 14, 15}));
  EXPECT_EQ(PadsOf(out), (Ints{1, 0, 1, 0}));
}

TEST_F(TrimPooled, CutsThePadsOfThePool) {
  Value& out = Pool(Conv({2, 2, 2, 2}), 3, 5, {0, 0, 1, 1});
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 13, 13}));
  EXPECT_EQ(PadsOf(out), (Ints{0, 0, 0, 0}));
}

TEST_F(TrimPooled, StaysWhereWindowsReachTheEnd) {
  Value& out = Pool(Conv({2, 2, 2, 2}), 3, 3);
  out.producer()->SetAttribute("ceil_mode", int64_t{1});
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 14, 15}));
}

TEST_F(TrimPooled, StaysWhereOthersRead) {
  Value& out = Pool(Conv({2, 2, 2, 2}), 3, 3);
  maker_.graph.AddOutput(*conv_);
  EXPECT_EQ(Trimmed(out), (Shape{1, 3, 14, 15}));
}

TEST_F(TrimPooled, StaysOfOnePixelToOne) {
  EXPECT_EQ(Trimmed(Pool(Conv({0, 0, 0, 0}, 1), 3, 3)), (Shape{1, 3, 14, 15}));
}

TEST_F(TrimPooled, StaysWhereSizesAreNotKnown) {
  conv_ = &maker_.Conv(maker_.Input({1, 2, kUnknownDim, 15}), 2, 3, 3);
  EXPECT_EQ(Trimmed(Pool(*conv_, 3, 3))[3], 13);
}

}  // namespace
}  // namespace mullion
