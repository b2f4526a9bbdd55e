// SPDX-License-Identifier: MIT
#include "optimizer/read_planes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

class ReadPlanes : public testing::Test {
 protected:
  std::string Read(Value& output) { return maker_.Rewritten(output, optimizer::ReadPlanes); }

  GraphMaker maker_;
};

TEST_F(ReadPlanes, TakesThePlaceOfATranspose) {
  Value& first = maker_.Conv(maker_.Input({2, 3, 20, 31}), 3, 8, 3);
  EXPECT_EQ(Read(maker_.Conv(first, 8, 4)), "Conv@last Conv@last Transpose(0,3,1,2)");
  const Node& conv = **maker_.graph.nodes().begin();
  EXPECT_EQ(conv.input(0)->type.shape, Shape({2, 3, 20, 31}));
  EXPECT_EQ(conv.output(0)->type.shape, Shape({2, 18, 29, 8}));
}

TEST_F(ReadPlanes, LeavesManyChannels) {
  EXPECT_EQ(Read(maker_.Conv(maker_.Input({1, 5, 9, 9}), 5, 8, 3)),
            "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2)");
}

TEST_F(ReadPlanes, LeavesWhatOthersReadToo) {
  Value& image = maker_.Input({1, 3, 9, 9});
  Value& both = maker_.Add("Add", {&maker_.Conv(image, 3, 8, 3), &maker_.Conv(image, 3, 8, 3)});
  EXPECT_EQ(Read(both), "Transpose(0,2,3,1) Conv@last Conv@last Add Transpose(0,3,1,2)");
}

}  // namespace
}  // namespace mullion
