// SPDX-License-Identifier: MIT
#include "optimizer/fold_sizes.h"

#include <gtest/gtest.h>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

constexpr int64_t kFoldBatch = -2;
constexpr int64_t kFoldWidth = -3;

class FoldSizes : public testing::Test {
 protected:
  Value& Ints(std::vector<int64_t> values) {
    return maker.graph.AddConstant("ints", Tensor::Vector<int64_t>(values));
  }
  Value& Index(int64_t value) {
    return maker.graph.AddConstant("index", Tensor::Scalar<int64_t>(value));
  }
  // Size `axis` of `value`, as a list.
  Value& SizeOf(Value& value, int64_t axis) {
    Value& size = maker.Add("Gather", {&maker.Add("Shape", {&value}), &Index(axis)});
    return maker.Add("Unsqueeze", {&size, &Ints({0})});
  }
  Value& Joined(std::initializer_list<Value*> lists) {
    Value& list = maker.Add("Concat", lists);
    list.producer()->SetAttribute("axis", int64_t{0});
    return list;
  }
  // The list that the Reshape takes afterwards; empty where it is not constant.
  std::vector<int64_t> ListAfter(Value& reshaped) {
    EXPECT_TRUE(maker.Finish(reshaped).ok());
    const bool changed = optimizer::FoldSizes(maker.graph);
    EXPECT_TRUE(maker.graph.Validate().ok());
    const Value& list = *reshaped.producer()->input(1);
    EXPECT_EQ(changed, list.IsConstant());
    if (!list.IsConstant()) return {};
    const auto sizes = list.constant.span<int64_t>();
    return {sizes.begin(), sizes.end()};
  }

  GraphMaker maker;
};

TEST_F(FoldSizes, OwnSizesAreCopied) {
  Value& x = maker.Input({kFoldBatch, 4, 5, kFoldWidth});
  Value& list = Joined({&SizeOf(x, 0), &Ints({-1}), &SizeOf(x, 1)});
  Value& reshaped = maker.Add("Reshape", {&x, &list});
  EXPECT_EQ(ListAfter(reshaped), (std::vector<int64_t>{0, -1, 4}));
  optimizer::RemoveDeadCode(maker.graph);
  EXPECT_EQ(TextOf(maker.graph), "Reshape");
}

TEST_F(FoldSizes, SizesOfOthersAreCopiedWhereTheyAreTheSame) {
  Value& x = maker.Input({kFoldBatch, 4, kFoldWidth});
  Value& y = maker.Add("Relu", {&x});
  Value& list = Joined({&SizeOf(x, 0), &Ints({2, 2}), &Ints({-1})});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&y, &list})), (std::vector<int64_t>{0, 2, 2, -1}));
}

TEST_F(FoldSizes, SymbolsOfTwoInputsAreNotTrusted) {
  Value& x = maker.Input({kFoldBatch, 4});
  Value& y = maker.Input({kFoldBatch, 4});
  Value& list = Joined({&SizeOf(x, 0), &Ints({-1})});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&y, &list})), std::vector<int64_t>());
}

TEST_F(FoldSizes, SymbolsOfTwoAxesAreNotTrusted) {
  Value& x = maker.Input({4, kFoldBatch, kFoldBatch});
  Value& list = Joined({&Ints({4}), &SizeOf(x, 2), &Ints({-1})});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&x, &list})), std::vector<int64_t>());
}

TEST_F(FoldSizes, ScalesOfOneKeepSizes) {
  Value& x = maker.Input({kFoldBatch, 4, 5, kFoldWidth});
  const std::vector<float> scales{1, 1, 2, 2};
  Value& scale = maker.graph.AddConstant("scales", Tensor::Vector<float>(scales));
  Value& y = maker.Add("Resize", {&x, nullptr, &scale});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&y, &Joined({&SizeOf(x, 0), &Ints({-1})})})),
            (std::vector<int64_t>{0, -1}));
  EXPECT_EQ(y.type.shape, (Shape{kFoldBatch, 4, kUnknownDim, kUnknownDim}));
}

TEST_F(FoldSizes, ListsAreCutAndCounted) {
  Value& x = maker.Input({kFoldBatch, kFoldWidth, 6});
  Value& shape = maker.Add("Shape", {&x});
  Value& first = maker.Add("Slice", {&shape, &Ints({0}), &Ints({-1})});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&x, &Joined({&first, &Ints({2, 3})})})),
            (std::vector<int64_t>{0, 0, 2, 3}));
}

TEST_F(FoldSizes, UnknownSizesOfTheInputItself) {
  Value& x = maker.Input({kUnknownDim, kUnknownDim, 6});
  EXPECT_EQ(ListAfter(maker.Add("Reshape", {&x, &Joined({&SizeOf(x, 0), &Ints({-1})})})),
            (std::vector<int64_t>{0, -1}));
}

TEST_F(FoldSizes, OtherSizesAreNot) {
  Value& x = maker.Input({kFoldBatch, kFoldWidth, 6});
  // At another place, where 0 would copy another size.
  EXPECT_TRUE(ListAfter(maker.Add("Reshape", {&x, &Joined({&Ints({-1}), &SizeOf(x, 0)})})).empty());
}

TEST_F(FoldSizes, UnknownSizesOfOthersAreNot) {
  Value& x = maker.Input({kUnknownDim, 6});
  Value& y = maker.graph.AddInput("y", TypeInfo::Tensor(ElementType::kFloat, {kUnknownDim, 6}));
  EXPECT_TRUE(ListAfter(maker.Add("Reshape", {&x, &Joined({&SizeOf(y, 0), &Ints({-1})})})).empty());
}

TEST_F(FoldSizes, NothingIsCopiedWhereZeroIsASize) {
  Value& x = maker.Input({kFoldBatch, 6});
  Value& reshaped = maker.Add("Reshape", {&x, &Joined({&SizeOf(x, 0), &Ints({6})})});
  reshaped.producer()->SetAttribute("allowzero", int64_t{1});
  EXPECT_TRUE(ListAfter(reshaped).empty());
}

}  // namespace
}  // namespace mullion
