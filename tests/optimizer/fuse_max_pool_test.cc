// SPDX-License-Identifier: MIT
#include "optimizer/fuse_max_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class FuseMaxPool : public testing::Test {
 protected:
  Value& Conv(int64_t in = 3, int64_t out = 20, int64_t kernel = 3, const Ints& strides = {2, 2}) {
    Value& made = maker_.Conv(maker_.Input({2, in, 41, 32}), in, out, kernel);
    made.producer()->SetAttribute("strides", strides);
    return made;
  }
  Value& Pool(Value& x, const Ints& pads = {0, 1, 1, 0}) {
    Value& out = maker_.Add("MaxPool", {&x});
    out.producer()->SetAttribute("kernel_shape", Ints{3, 2});
    out.producer()->SetAttribute("strides", Ints{2, 1});
    out.producer()->SetAttribute("pads", pads);
    return out;
  }
  std::string Fused(Value& output) {
    return maker_.Rewritten(output, [](Graph& graph) {
      optimizer::FuseMaxPool(graph);
      EXPECT_FALSE(optimizer::FuseMaxPool(graph));
    });
  }

  static constexpr const char* kFused = "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2)";
  static constexpr const char* kLeft =
      "Transpose(0,2,3,1) Conv@last MaxPool@last "
      "Transpose(0,3,1,2)";

  GraphMaker maker_;
};

TEST_F(FuseMaxPool, TakesWhatAPictureBecomes) {
  EXPECT_EQ(Fused(Pool(Conv())), kFused);
  const Node& conv = **std::next(maker_.graph.nodes().begin());
  EXPECT_EQ(conv.output(0)->type.shape, Shape({2, 10, 15, 20}));
}

TEST_F(FuseMaxPool, TakesOnePoolOnly) { EXPECT_EQ(Fused(Pool(Pool(Conv()))), kLeft); }

TEST_F(FuseMaxPool, LeavesWhatOthersReadToo) {
  Value& made = Conv();
  Value& both = maker_.Add("Concat", {&Pool(made), &Pool(made)});
  both.producer()->SetAttribute("axis", int64_t{1});
  EXPECT_EQ(Fused(both),
            "Transpose(0,2,3,1) Conv@last MaxPool@last MaxPool@last Concat Transpose(0,3,1,2)");
}

TEST_F(FuseMaxPool, LeavesWhatTheGraphGivesOut) {
  Value& made = Conv();
  maker_.graph.AddOutput(made);
  EXPECT_NE(Fused(Pool(made)).find("MaxPool"), std::string::npos);
}

TEST_F(FuseMaxPool, LeavesOtherConvolutions) { EXPECT_EQ(Fused(Pool(Conv(5))), kLeft); }
TEST_F(FuseMaxPool, LeavesFewOutputs) { EXPECT_EQ(Fused(Pool(Conv(3, 16))), kLeft); }
TEST_F(FuseMaxPool, LeavesOtherKernels) { EXPECT_EQ(Fused(Pool(Conv(3, 20, 5))), kLeft); }
TEST_F(FuseMaxPool, LeavesEveryLine) { EXPECT_EQ(Fused(Pool(Conv(3, 20, 3, {1, 2}))), kLeft); }

TEST_F(FuseMaxPool, LeavesDilatedConvolutions) {
  Value& made = Conv();
  made.producer()->SetAttribute("dilations", Ints{1, 2});
  EXPECT_EQ(Fused(Pool(made)), kLeft);
}

TEST_F(FuseMaxPool, LeavesWindowsBeyondTheImage) {
  Value& pooled = Pool(Conv());
  pooled.producer()->SetAttribute("ceil_mode", int64_t{1});
  EXPECT_EQ(Fused(pooled), kLeft);
}

TEST_F(FuseMaxPool, LeavesDilatedWindows) {
  Value& pooled = Pool(Conv());
  pooled.producer()->SetAttribute("dilations", Ints{2, 1});
  EXPECT_EQ(Fused(pooled), kLeft);
}

TEST_F(FuseMaxPool, LeavesPadsThatHangOnTheImage) {
  Value& pooled = Pool(Conv(), {});
  pooled.producer()->SetAttribute("auto_pad", std::string("SAME_UPPER"));
  EXPECT_EQ(Fused(pooled), kLeft);
}

}  // namespace
}  // namespace mullion
