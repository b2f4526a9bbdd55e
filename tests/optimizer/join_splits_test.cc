// SPDX-License-Identifier: MIT
#include "optimizer/join_splits.h"

#include <gtest/gtest.h>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

struct Parts {
  Parts(GraphMaker& maker, int64_t axis) : x(maker.Input({1, 6, 4, 4})) {
    const std::vector<Value*> inputs{&x};
    split = &maker.graph.AddNode("", "Split", 22, inputs, 2, "part");
    split->SetAttribute("axis", axis);
    split->SetAttribute("num_outputs", int64_t{2});
    split->origin = {"Split", "Split", "", 22, ""};
  }
  Value& operator[](int i) const { return *split->output(i); }

  Value& x;
  Node* split;
};

std::string Joined(GraphMaker& maker, Value& output, int64_t axis) {
  output.producer()->SetAttribute("axis", axis);
  const Status status = maker.Finish(output);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::JoinSplits(maker.graph);
  optimizer::RemoveDeadCode(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph) + " of " + std::to_string(output.producer()->input_count());
}

TEST(JoinSplits, AllPartsSideBySideAreTheWhole) {
  GraphMaker maker;
  const Parts parts(maker, 1);
  Value& relu = maker.Add("Relu", {&parts[1]});
  Value& y = maker.Add("Concat", {&relu, &parts[0], &parts[1], &relu});
  EXPECT_EQ(Joined(maker, y, -3), "Split Relu Concat of 3");
  EXPECT_EQ(y.producer()->input(1), &parts.x);
  EXPECT_EQ(parts.split->output(0), nullptr);
}

TEST(JoinSplits, ASplitThatIsOnlyJoinedGoes) {
  GraphMaker maker;
  const Parts parts(maker, 1);
  EXPECT_EQ(Joined(maker, maker.Add("Concat", {&parts[0], &parts[1]}), 1), "Concat of 1");
}

TEST(JoinSplits, OtherOrdersAndAxesStay) {
  GraphMaker turned;
  const Parts parts(turned, 1);
  EXPECT_EQ(Joined(turned, turned.Add("Concat", {&parts[1], &parts[0]}), 1), "Split Concat of 2");
  GraphMaker across;
  const Parts halves(across, 1);
  EXPECT_EQ(Joined(across, across.Add("Concat", {&halves[0], &halves[1]}), 2), "Split Concat of 2");
}

}  // namespace
}  // namespace mullion
