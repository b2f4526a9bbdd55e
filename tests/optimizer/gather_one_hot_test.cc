// SPDX-License-Identifier: MIT
#include "optimizer/gather_one_hot.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class GatherOneHot : public testing::Test {
 protected:
  Value& Numbers(const Shape& shape, ElementType type = ElementType::kInt64) {
    return maker_.graph.AddInput("numbers", TypeInfo::Tensor(type, shape));
  }
  Value& Classes(const Ints& values, const Shape& shape) {
    return maker_.graph.AddConstant("classes", Tensor::FromSpan<int64_t>(shape, values));
  }
  // MatMul(Cast(numbers == classes), weights).
  Value& Product(Value& numbers, Value& classes, Value& weights) {
    Value& rows = maker_.Add("Cast", {&maker_.Add("Equal", {&numbers, &classes})});
    rows.producer()->SetAttribute("to", int64_t{1});
    return maker_.Add("MatMul", {&rows, &weights});
  }
  std::string Rewritten(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::GatherOneHot(maker_.graph);
    optimizer::RemoveDeadCode(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    const Status inferred = optimizer::InferGraph(maker_.graph, BuiltInOperators());
    EXPECT_TRUE(inferred.ok()) << inferred.message();
    EXPECT_EQ(output.type.shape, before);
    return TextOf(maker_.graph);
  }

  GraphMaker maker_;
};

TEST_F(GatherOneHot, ReadsRows) {
  Value& weights = maker_.Constant({3, 5}, 7.0f);
  Value& out = Product(Numbers({2, 4, 1}), Classes({0, 1, 2}, {1, 1, 3}), weights);
  EXPECT_EQ(Rewritten(out), "Clip Squeeze Gather");
  const Tensor& table = out.producer()->input(0)->constant;
  EXPECT_EQ(table.shape(), (Shape{4, 5}));
  EXPECT_EQ(table.span<float>()[14], 7.0f);
  EXPECT_EQ(table.span<float>()[15], 0.0f);
}

TEST_F(GatherOneHot, TakesEitherSideAndSymbols) {
  Value& weights = maker_.Constant({3, 5});
  Value& out = Product(Classes({0, 1, 2}, {3}), Numbers({-2, 1}), weights);
  EXPECT_EQ(Rewritten(out), "Clip Squeeze Gather");
}

TEST_F(GatherOneHot, SeesTheLastSizeOfAnExpansion) {
  Value& batch = maker_.graph.AddInput("batch", TypeInfo::Tensor(ElementType::kInt64, Shape{1}));
  for (const int64_t last : {1, 3}) {
    Value& sizes = maker_.Add("Concat", {&batch, &Classes({4, last}, {2})});
    sizes.producer()->SetAttribute("axis", int64_t{0});
    Value& wide = maker_.Add("Expand", {&Numbers({4, 1}), &sizes});
    maker_.graph.AddOutput(Product(wide, Classes({0, 1, 2}, {1, 1, 3}), maker_.Constant({3, 5})));
  }
  Value& end = maker_.Add("Identity", {&batch});
  EXPECT_EQ(Rewritten(end),
            "Concat Expand Clip Squeeze Gather Concat Expand Equal Cast MatMul Identity");
}

TEST_F(GatherOneHot, LeavesOtherClasses) {
  Value& out = Product(Numbers({4, 1}), Classes({0, 2, 1}, {3}), maker_.Constant({3, 5}));
  EXPECT_EQ(Rewritten(out), "Equal Cast MatMul");
}

TEST_F(GatherOneHot, LeavesComparisonsElementByElement) {
  Value& out = Product(Numbers({4, 3}), Classes({0, 1, 2}, {3}), maker_.Constant({3, 5}));
  EXPECT_EQ(Rewritten(out), "Equal Cast MatMul");
}

TEST_F(GatherOneHot, LeavesClassesOfMoreAxes) {
  Value& out = Product(Numbers({4, 1}), Classes({0, 1, 2}, {1, 1, 3}), maker_.Constant({3, 5}));
  EXPECT_EQ(Rewritten(out), "Equal Cast MatMul");
}

TEST_F(GatherOneHot, LeavesWeightsWithoutBounds) {
  Value& weights = maker_.Constant({3, 5}, std::numeric_limits<float>::infinity());
  Value& out = Product(Numbers({4, 1}), Classes({0, 1, 2}, {3}), weights);
  EXPECT_EQ(Rewritten(out), "Equal Cast MatMul");
}

}  // namespace
}  // namespace mullion
