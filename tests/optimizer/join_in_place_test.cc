// SPDX-License-Identifier: MIT
#include "optimizer/join_in_place.h"

#include <gtest/gtest.h>

#include "operators/whole_output.h"
#include "optimizer/layout.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

std::string JoinedInPlace(GraphMaker& maker, Value& output) {
  const Status status = maker.Finish(output);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::PlaceChannelsLast(maker.graph, BuiltInOperators());
  optimizer::JoinInPlace(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  // What was rewritten must be inferred as it says.
  const Status inferred = optimizer::InferGraph(maker.graph, BuiltInOperators());
  EXPECT_TRUE(inferred.ok()) << inferred.message();
  return TextOf(maker.graph);
}

Value& Concat(GraphMaker& maker, std::initializer_list<Value*> parts, int64_t axis = 1) {
  Value& joined = maker.Add("Concat", parts);
  joined.producer()->SetAttribute("axis", axis);
  return joined;
}

TEST(JoinInPlace, ConvolutionsWriteTheirParts) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& second = maker.Conv(x, 4, 3);
  Value& first = maker.Conv(x, 4, 5);
  Value& joined = Concat(maker, {&first, &second});
  EXPECT_EQ(JoinedInPlace(maker, maker.Conv(joined, 8, 2)),
            "Transpose(0,2,3,1) Conv@last Conv@last Conv@last Transpose(0,3,1,2)");
  // In the order of the graph, not of the parts.
  const Node& reader = **std::prev(maker.graph.nodes().end(), 2);
  const Node& last = *reader.input(0)->producer();
  EXPECT_EQ(last.IntAttribute(operators::kFirstChannel, -1), 0);
  EXPECT_EQ(last.IntAttribute(operators::kWholeChannels, -1), 8);
  const Node& before = *last.input(operators::kConvWhole)->producer();
  EXPECT_EQ(before.IntAttribute(operators::kFirstChannel, -1), 5);
  EXPECT_EQ(before.input(operators::kConvWhole), nullptr);
  EXPECT_EQ(before.output(0)->type.shape, Shape({1, 8, 8, 8}));
}

TEST(JoinInPlace, CopiesWhatOthersMakeOrRead) {
  GraphMaker maker;
  Value& x = maker.Input({1, 4, 8, 8});
  Value& shared = maker.Conv(x, 4, 5);
  Value& own = maker.Conv(shared, 5, 3);
  Value& joined = Concat(maker, {&shared, &maker.Add("Sigmoid", {&shared}), &own}, -3);
  EXPECT_EQ(JoinedInPlace(maker, maker.Conv(joined, 13, 2)),
            "Transpose(0,2,3,1) Conv@last Conv@last Sigmoid JoinPart JoinPart Conv@last "
            "Transpose(0,3,1,2)");
}

TEST(JoinInPlace, LeavesOtherConcats) {
  GraphMaker along;
  Value& x = along.Input({1, 4, 8, 8});
  Value& rows = Concat(along, {&along.Conv(x, 4, 4), &along.Conv(x, 4, 4)}, 2);
  EXPECT_EQ(JoinedInPlace(along, along.Conv(rows, 4, 2)),
            "Transpose(0,2,3,1) Conv@last Conv@last Concat Conv@last Transpose(0,3,1,2)");
  GraphMaker shared;
  Value& y = shared.Input({1, 4, 8, 8});
  Value& part = shared.Conv(y, 4, 4);
  EXPECT_EQ(JoinedInPlace(shared, shared.Conv(Concat(shared, {&part, &part}), 8, 2)),
            "Transpose(0,2,3,1) Conv@last Concat Conv@last Transpose(0,3,1,2)");
}

}  // namespace
}  // namespace mullion
