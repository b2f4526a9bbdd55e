// SPDX-License-Identifier: MIT
#include "optimizer/pool_first.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class PoolFirst : public testing::Test {
 protected:
  Value& Pool(Value& x, int64_t stride) {
    Value& out = maker_.Add("MaxPool", {&x});
    out.producer()->SetAttribute("kernel_shape", Ints{2, 2});
    out.producer()->SetAttribute("strides", Ints{stride, stride});
    return out;
  }
  std::string Rewritten(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::PoolFirst(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    EXPECT_EQ(output.type.shape, before);
    EXPECT_EQ(output.producer()->input(0)->type.shape.rank(), before.rank());
    return TextOf(maker_.graph);
  }

  GraphMaker maker_;
};

TEST_F(PoolFirst, ComputesFunctionsOfWhatIsLeft) {
  Value& out = Pool(maker_.Add("Tanh", {&maker_.Conv(maker_.Input({1, 3, 9, 8}), 3, 4)}), 2);
  EXPECT_EQ(Rewritten(out), "Conv MaxPool Tanh");
  EXPECT_EQ(out.producer()->input(0)->type.shape, (Shape{1, 4, 4, 4}));
}

TEST_F(PoolFirst, GoesThroughSeveralLayers) {
  Value& first = Pool(maker_.Add("Sigmoid", {&maker_.Input({1, 3, 16, 16})}), 2);
  Value& out = maker_.Add("GlobalMaxPool", {&maker_.Add("Elu", {&first})});
  EXPECT_EQ(Rewritten(out), "MaxPool Sigmoid GlobalMaxPool Elu");
}

TEST_F(PoolFirst, LeavesPoolsThatLeaveAll) {
  EXPECT_EQ(Rewritten(Pool(maker_.Add("Tanh", {&maker_.Input({1, 3, 9, 9})}), 1)), "Tanh MaxPool");
}

TEST_F(PoolFirst, LeavesFunctionsThatFall) {
  Value& elu = maker_.Add("Elu", {&maker_.Input({1, 3, 9, 9})});
  elu.producer()->SetAttribute("alpha", -0.5f);
  EXPECT_EQ(Rewritten(Pool(elu, 2)), "Elu MaxPool");
}

TEST_F(PoolFirst, LeavesFunctionsThatOthersRead) {
  Value& tanh = maker_.Add("Tanh", {&maker_.Input({1, 3, 9, 9})});
  maker_.graph.AddOutput(maker_.Add("Neg", {&tanh}));
  EXPECT_EQ(Rewritten(Pool(tanh, 2)), "Tanh Neg MaxPool");
}

TEST_F(PoolFirst, LeavesWindowsOfPaddingAlone) {
  Value& wide = Pool(maker_.Add("Tanh", {&maker_.Input({1, 3, 9, 9})}), 2);
  wide.producer()->SetAttribute("pads", Ints{0, 2, 0, 0});
  EXPECT_EQ(Rewritten(wide), "Tanh MaxPool");
}

TEST_F(PoolFirst, LeavesWindowsWithGaps) {
  Value& gaps = Pool(maker_.Add("Tanh", {&maker_.Input({1, 3, 1, 1})}), 2);
  gaps.producer()->SetAttribute("dilations", Ints{2, 2});
  gaps.producer()->SetAttribute("pads", Ints{1, 1, 1, 1});
  EXPECT_EQ(Rewritten(gaps), "Tanh MaxPool");
}

TEST_F(PoolFirst, LeavesImagesThatMayBeEmpty) {
  Value& out = maker_.Add("GlobalMaxPool", {&maker_.Add("Tanh", {&maker_.Input({1, 3, -1, 9})})});
  EXPECT_EQ(Rewritten(out), "Tanh GlobalMaxPool");
}

TEST_F(PoolFirst, LeavesPoolsThatSayWhereTheyFound) {
  Value& out = Pool(maker_.Add("Tanh", {&maker_.Input({1, 3, 9, 9})}), 2);
  Value& places = maker_.graph.AddValue("places");
  out.producer()->SetOutput(1, &places);
  maker_.graph.AddOutput(places);
  EXPECT_EQ(Rewritten(out), "Tanh MaxPool");
}

}  // namespace
}  // namespace mullion
