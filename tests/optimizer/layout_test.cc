// SPDX-License-Identifier: MIT
#include "optimizer/layout.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

std::string Placed(GraphMaker& maker, Value& output) {
  const Status status = maker.Finish(output);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::PlaceChannelsLast(maker.graph, BuiltInOperators());
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph);
}

TEST(Layout, AChainHasTransposesAtItsEndsOnly) {
  GraphMaker maker;
  Value& first = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 4);
  Value& relu = maker.Add("Relu", {&first});
  Value& second = maker.Conv(relu, 4, 4);
  EXPECT_EQ(Placed(maker, second),
            "Transpose(0,2,3,1) Conv@last Relu Conv@last Transpose(0,3,1,2)");
}

TEST(Layout, BranchesShareOneTranspose) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  Value& sum = maker.Add("Add", {&maker.Conv(x, 3, 4), &maker.Conv(x, 3, 4)});
  EXPECT_EQ(Placed(maker, sum), "Transpose(0,2,3,1) Conv@last Conv@last Add Transpose(0,3,1,2)");
}

TEST(Layout, ConcatRenumbersItsAxis) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  Value& joined = maker.Add("Concat", {&maker.Conv(x, 3, 4), &maker.Conv(x, 3, 5)});
  joined.producer()->SetAttribute("axis", int64_t{1});
  Placed(maker, joined);
  EXPECT_EQ(joined.producer()->operator_name(), "Transpose");
  const Node& concat = *joined.producer()->input(0)->producer();
  EXPECT_EQ(concat.IntAttribute("axis", 0), 3);
}

TEST(Layout, ASplitWhoseFirstPartNobodyReadsFollows) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 6);
  Value* const whole[] = {&conv};
  Node& split = maker.graph.AddNode("", "Split", 22, whole, 2, "Split");
  split.origin = {"Split", "Split", "", 22, ""};
  split.SetAttribute("axis", int64_t{1});
  split.SetAttribute("num_outputs", int64_t{2});
  Value& second = maker.Conv(*split.output(1), 3, 4);
  split.SetOutput(0, nullptr);
  EXPECT_EQ(Placed(maker, second),
            "Transpose(0,2,3,1) Conv@last Split Conv@last Transpose(0,3,1,2)");
  EXPECT_EQ(split.IntAttribute("axis", 0), 3);
}

TEST(Layout, SignalsConvolvedAsImagesOfOneLineStayInside) {
  GraphMaker maker;
  const auto axes = [&](std::vector<int64_t> list) {
    return &maker.graph.AddConstant("axes", Tensor::Vector<int64_t>(list));
  };
  Value& first = maker.Conv(maker.Input({2, 3, 1, 9}), 3, 4);
  Value& signal = maker.Add("Squeeze", {&first, axes({2})});
  Value& relu = maker.Add("Relu", {&signal});
  Value& image = maker.Add("Unsqueeze", {&relu, axes({-1})});
  EXPECT_EQ(Placed(maker, maker.Conv(image, 4, 5)),
            "Transpose(0,2,3,1) Conv@last Squeeze Relu Unsqueeze Conv@last Transpose(0,3,1,2)");
  EXPECT_TRUE(optimizer::InferGraph(maker.graph, BuiltInOperators()).ok());
  EXPECT_EQ(relu.type.shape, (Shape{2, 4, 9}));
  const Node& last = **std::prev(maker.graph.nodes().end(), 2);
  EXPECT_EQ(last.input(0)->type.shape, (Shape{2, 9, 1, 4}));
}

TEST(Layout, ASqueezeOfChannelsOrImagesIsABorder) {
  GraphMaker maker;
  Value& axes = maker.graph.AddConstant("axes", Tensor::Vector<int64_t>(std::vector<int64_t>{1}));
  Value& one = maker.Conv(maker.Input({2, 3, 8, 9}), 3, 1);
  EXPECT_EQ(Placed(maker, maker.Add("Squeeze", {&one, &axes})),
            "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2) Squeeze");
}

TEST(Layout, ATransposeOfTheModelIsJoinedWithTheBorder) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input({1, 3, 8, 8}), 3, 4);
  Value& turned = maker.Add("Transpose", {&conv});
  turned.producer()->SetAttribute("perm", std::vector<int64_t>{0, 2, 3, 1});
  EXPECT_EQ(Placed(maker, turned), "Transpose(0,2,3,1) Conv@last Transpose(0,1,2,3)");
}

TEST(Layout, APoolOfWhatTheModelTurnedIsTurnedBack) {
  const auto placed = [](std::vector<int64_t> perm) {
    GraphMaker maker;
    Value& turned = maker.Add("Transpose", {&maker.Input({1, 8, 8, 8})});
    turned.producer()->SetAttribute("perm", perm);
    Value& pool = maker.Add("MaxPool", {&turned});
    pool.producer()->SetAttribute("kernel_shape", std::vector<int64_t>{2, 2});
    return Placed(maker, pool);
  };
  EXPECT_EQ(placed({0, 3, 1, 2}),
            "Transpose(0,3,1,2) Transpose(0,2,3,1) MaxPool@last Transpose(0,3,1,2)");
  EXPECT_EQ(placed({0, 1, 3, 2}), "Transpose(0,1,3,2) MaxPool");
}

TEST(Layout, AShuffleOfChannelsStaysInside) {
  GraphMaker maker;
  const auto shape = [&](std::vector<int64_t> dims) {
    return &maker.graph.AddConstant("shape", Tensor::Vector<int64_t>(dims));
  };
  Value& conv = maker.Conv(maker.Input({2, 3, 8, 9}), 3, 6);
  Value& split = maker.Add("Reshape", {&conv, shape({2, 2, 3, 8, 9})});
  Value& turned = maker.Add("Transpose", {&split});
  turned.producer()->SetAttribute("perm", std::vector<int64_t>{0, 2, 1, 3, 4});
  Value& joined = maker.Add("Reshape", {&turned, shape({2, 6, 8, 9})});
  EXPECT_EQ(Placed(maker, maker.Conv(joined, 6, 4)),
            "Transpose(0,2,3,1) Conv@last Reshape Transpose(0,1,2,4,3) Reshape Conv@last "
            "Transpose(0,3,1,2)");
}

// What becomes of a convolution's 6 channels that are parted and put elsewhere.
std::string PlacedParts(std::vector<int64_t> from, std::vector<int64_t> to,
                        std::vector<int64_t> perm) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input(Shape(from)), 3, 6);
  Value& parts =
      maker.Add("Reshape", {&conv, &maker.graph.AddConstant("shape", Tensor::Vector<int64_t>(to))});
  Value& turned = maker.Add("Transpose", {&parts});
  turned.producer()->SetAttribute("perm", std::move(perm));
  return Placed(maker, turned);
}

// A detector's boxes: one Transpose, which moves whole parts.
TEST(Layout, PartsOfChannelsAreMovedOnce) {
  const std::string boxes = "Transpose(0,2,3,1) Conv@last Reshape Transpose(0,3,1,2,4)";
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {2, 2, 3, 8, 9}, {0, 1, 3, 4, 2}), boxes);
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {0, 2, 3, 8, -1}, {0, 1, 3, 4, 2}), boxes);
  EXPECT_EQ(PlacedParts({-1, 3, 8, 9}, {-1, 2, 3, 8, 9}, {0, 1, 3, 4, 2}), boxes);
  EXPECT_EQ(PlacedParts({2, 3, -1, -1}, {2, 2, 3, 8, 9}, {0, 1, 3, 4, 2}), boxes);
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {2, 2, 3, 8, 9}, {0, 2, 1, 4, 3}),
            "Transpose(0,2,3,1) Conv@last Reshape Transpose(0,4,3,2,1)");
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {2, 2, 3, 72}, {0, 2, 1, 3}),
            "Transpose(0,2,3,1) Conv@last Reshape Transpose(0,3,2,1)");
}

TEST(Layout, PartsOfMoreThanChannelsAreABorder) {
  // Pixels among the parts, and a batch that may not be the one before.
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {2, 4, 12, 9}, {0, 1, 3, 2}),
            "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2) Reshape Transpose(0,1,3,2)");
  EXPECT_EQ(PlacedParts({-1, 3, -1, -1}, {-1, 2, 3, 8, 9}, {0, 1, 3, 4, 2}),
            "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2) Reshape Transpose(0,1,3,4,2)");
  EXPECT_EQ(PlacedParts({2, 3, 8, 9}, {1, 2, 2, 3, 72}, {0, 1, 2, 4, 3}),
            "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2) Reshape Transpose(0,1,2,4,3)");
}

std::string PlacedReshape(std::vector<int64_t> from, std::vector<int64_t> to) {
  GraphMaker maker;
  Value& conv = maker.Conv(maker.Input(Shape(from)), 3, 6);
  Value& flat =
      maker.Add("Reshape", {&conv, &maker.graph.AddConstant("shape", Tensor::Vector<int64_t>(to))});
  return Placed(maker, maker.Add("Relu", {&flat}));
}

TEST(Layout, AReshapeOfPixelsStaysInside) {
  const char* const inside = "Transpose(0,2,3,1) Conv@last Reshape Relu Transpose(0,2,1)";
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {2, 6, 64}), inside);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {2, 6, -1}), inside);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {0, 0, -1}), inside);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {-1, 6, 64}), inside);
  EXPECT_EQ(PlacedReshape({-1, 3, 8, 8}, {-1, 6, 64}), inside);
  EXPECT_EQ(PlacedReshape({2, 3, -1, -1}, {2, 6, -1}), inside);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {2, 6, 4, 16}),
            "Transpose(0,2,3,1) Conv@last Reshape Relu Transpose(0,3,1,2)");
}

TEST(Layout, AReshapeOfImagesOrChannelsIsABorder) {
  const char* const border = "Transpose(0,2,3,1) Conv@last Transpose(0,3,1,2) Reshape Relu";
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {1, 6, 128}), border);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {2, 12, 32}), border);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {2, -1, 64}), border);
  EXPECT_EQ(PlacedReshape({2, 3, 8, 8}, {12, 64}), border);
  EXPECT_EQ(PlacedReshape({-1, 3, 8, 8}, {2, 6, -1}), border);
  EXPECT_EQ(PlacedReshape({-1, 3, 8, 8}, {-1, 6, 32}), border);
  EXPECT_EQ(PlacedReshape({-1, 3, -1, -1}, {-1, 6, 64}), border);
}

TEST(Layout, LeavesGraphsWithoutConvolutionsAlone) {
  GraphMaker maker;
  Value& x = maker.Input({1, 3, 8, 8});
  EXPECT_EQ(Placed(maker, maker.Add("Relu", {&x})), "Relu");
}

}  // namespace
}  // namespace mullion
