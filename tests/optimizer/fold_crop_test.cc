// SPDX-License-Identifier: MIT
#include "optimizer/fold_crop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class Crop : public testing::Test {
 protected:
  Value& List(const Ints& values) {
    return maker_.graph.AddConstant("ints", Tensor::Vector<int64_t>(values));
  }
  // 2 channels of 5x6 to 1 of 11x13, less `pads`.
  Value& Transposed(const Ints& pads) {
    const std::vector<float> weights(2 * 9, 1.0f);
    Value& constant = maker_.graph.AddConstant("w", Tensor::FromSpan<float>({2, 1, 3, 3}, weights));
    Value& out = maker_.Add("ConvTranspose", {&maker_.Input({1, 2, 5, 6}), &constant});
    out.producer()->SetAttribute("strides", Ints{2, 2});
    if (!pads.empty()) out.producer()->SetAttribute("pads", pads);
    return out;
  }
  Value& Slice(Value& x, const Ints& starts, const Ints& ends, const Ints& axes,
               const Ints& steps) {
    return maker_.Add("Slice", {&x, &List(starts), &List(ends), &List(axes), &List(steps)});
  }
  std::string Folded(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::FoldCrop(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    EXPECT_EQ(output.type.shape, before);
    return TextOf(maker_.graph);
  }
  static Ints PadsOf(const Value& value) {
    const auto pads = value.producer()->IntsAttribute("pads");
    return {pads.begin(), pads.end()};
  }

  GraphMaker maker_;
};

TEST_F(Crop, BecomesPads) {
  Value& out = Slice(Transposed({}), {1, 2}, {-3, 100}, {2, 3}, {1, 1});
  EXPECT_EQ(Folded(out), "ConvTranspose");
  EXPECT_EQ(PadsOf(out), (Ints{1, 2, 3, 0}));
}

TEST_F(Crop, AddsToPads) {
  Value& out = Slice(Transposed({1, 0, 0, 1}), {2}, {5}, {-1}, {1});
  EXPECT_EQ(Folded(out), "ConvTranspose");
  EXPECT_EQ(PadsOf(out), (Ints{1, 2, 0, 1 + 12 - 5}));
}

TEST_F(Crop, TwoInARow) {
  Value& out = Slice(Slice(Transposed({}), {1}, {-1}, {2}, {1}), {1, 1}, {-1, -2}, {2, 3}, {1, 1});
  EXPECT_EQ(Folded(out), "ConvTranspose");
  EXPECT_EQ(PadsOf(out), (Ints{2, 1, 2, 2}));
}

TEST_F(Crop, StaysWhereMoreIsCut) {
  EXPECT_EQ(Folded(Slice(Transposed({}), {0}, {-1}, {2}, {2})), "ConvTranspose Slice");
}

TEST_F(Crop, StaysWhereNothingIsLeft) {
  EXPECT_EQ(Folded(Slice(Transposed({}), {3}, {3}, {2}, {1})), "ConvTranspose Slice");
}

TEST_F(Crop, StaysOfChannels) {
  EXPECT_EQ(Folded(Slice(Transposed({}), {0}, {1}, {1}, {1})), "ConvTranspose Slice");
}

TEST_F(Crop, StaysWhereAllIsWanted) {
  Value& whole = Transposed({});
  Value& out = Slice(whole, {1}, {-1}, {2}, {1});
  maker_.graph.AddOutput(whole);
  EXPECT_EQ(Folded(out), "ConvTranspose Slice");
}

TEST_F(Crop, ReplacesTheShapeThatIsGiven) {
  Value& whole = Transposed({});
  whole.producer()->SetAttribute("output_shape", Ints{10, 14});
  Value& out = Slice(whole, {1}, {-1}, {2}, {1});
  EXPECT_EQ(Folded(out), "ConvTranspose");
  EXPECT_FALSE(out.producer()->HasAttribute("output_shape"));
  EXPECT_EQ(PadsOf(out), (Ints{2, 0, 1, -1}));
}

TEST_F(Crop, ReplacesAutoPad) {
  Value& whole = Transposed({});
  whole.producer()->SetAttribute("auto_pad", "SAME_UPPER");
  Value& out = Slice(whole, {2, 0}, {9, 11}, {2, 3}, {1, 1});
  EXPECT_EQ(Folded(out), "ConvTranspose");
  EXPECT_FALSE(out.producer()->HasAttribute("auto_pad"));
  EXPECT_EQ(PadsOf(out), (Ints{2, 0, 2, 2}));
}

class ResidualCrop : public Crop {
 protected:
  // Of 4 channels in images of 10x12, what a normalization of images of 6x9 adds.
  std::string Cropped(const Ints& starts, const Ints& ends, const Ints& axes, bool last = true) {
    const Shape large = last ? Shape{2, 10, 12, 4} : Shape{2, 4, 10, 12};
    const Shape small = last ? Shape{2, 6, 9, 4} : Shape{2, 4, 6, 9};
    const Ints steps(axes.size(), 1);
    Value& residual = Slice(maker_.Add("Relu", {&maker_.Input(large)}), starts, ends, axes, steps);
    Value& factors = maker_.Constant({4});
    out_ =
        &maker_.Add("InstanceNormalization", {&maker_.Input(small), &factors, &factors, &residual});
    if (last) out_->producer()->SetAttribute("channels_last", int64_t{1});
    const Status status = maker_.Finish(*out_);
    EXPECT_TRUE(status.ok()) << status.message();
    optimizer::CropResiduals(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    return TextOf(maker_.graph);
  }
  Ints Begin() const {
    const auto begin = out_->producer()->IntsAttribute("residual_begin");
    return {begin.begin(), begin.end()};
  }

  Value* out_ = nullptr;
};

TEST_F(ResidualCrop, IsNotCopied) {
  EXPECT_EQ(Cropped({3, 1}, {-1, 10}, {1, 2}), "Relu InstanceNormalization+residual@last");
  EXPECT_EQ(Begin(), (Ints{3, 1}));
}

TEST_F(ResidualCrop, StaysWithChannelsFirst) {
  EXPECT_EQ(Cropped({3, 1}, {-1, 10}, {2, 3}, false), "Relu Slice InstanceNormalization+residual");
}

}  // namespace
}  // namespace mullion
