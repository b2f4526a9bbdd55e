// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, const Shape& input) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = {Counting<float>(input)};
  return c;
}

OperatorCase Reshape(const Shape& input, std::vector<int64_t> target, int64_t allow_zero = 0) {
  OperatorCase c = Case("Reshape", 14, input);
  c.inputs.push_back(IntTensor(std::move(target)));
  c.Set("allowzero", allow_zero);
  return c;
}

std::string ShapeAfter(const OperatorCase& c) {
  const std::vector<Tensor> outputs = RunEveryWay(c);
  if (outputs.empty()) return "";
  const auto from = c.inputs[0].span<float>();
  const auto to = outputs[0].span<float>();
  EXPECT_TRUE(std::equal(from.begin(), from.end(), to.begin(), to.end()));
  return outputs[0].shape().ToString();
}

TEST(Reshape, FollowsItsTarget) {
  EXPECT_EQ(ShapeAfter(Reshape({2, 3, 4}, {4, 6})), "[4,6]");
  EXPECT_EQ(ShapeAfter(Reshape({2, 3, 4}, {0, -1})), "[2,12]");
  EXPECT_EQ(ShapeAfter(Reshape({2, 3, 4}, {-1, 0, 2, 2})), "[2,3,2,2]");
  EXPECT_EQ(ShapeAfter(Reshape({2, 3, 4}, {-1})), "[24]");
  EXPECT_EQ(ShapeAfter(Reshape({1}, {})), "[]");
  EXPECT_EQ(ShapeAfter(Reshape({}, {1, 1})), "[1,1]");
  EXPECT_EQ(ShapeAfter(Reshape({0, 3}, {3, -1})), "[3,0]");
  EXPECT_EQ(ShapeAfter(Reshape({0, 3, 4}, {0, -1})), "[0,12]");
  EXPECT_EQ(ShapeAfter(Reshape({0, 3, 4}, {3, 4, 0}, 1)), "[3,4,0]");
}

TEST(Reshape, RefusesTargetsThatDoNotFit) {
  ExpectError(Reshape({2, 3}, {4}), "[2,3] cannot be reshaped to [4]");
  ExpectError(Reshape({2, 3}, {4, -1}), "cannot be reshaped");
  ExpectError(Reshape({2, 3}, {-1, -1}), "does not fit");
  ExpectError(Reshape({2, 3}, {6, 1, 0}), "does not fit");
  ExpectError(Reshape({2, 3}, {-2, 3}), "does not fit");
  ExpectError(Reshape({0, 3}, {0, -1}, 1), "allowzero=1");
  ExpectError(Reshape({2, 3}, {int64_t{1} << 40, int64_t{1} << 40}), "cannot be reshaped");
  ExpectError(Reshape({1}, std::vector<int64_t>(17, 1)), "more than 16");
  ExpectError(Reshape({1}, std::vector<int64_t>(40, 1)), "at most 32");
}

TEST(Reshape, TakesTheAttributeOfOpset1) {
  OperatorCase c = Case("Reshape", 1, {2, 3});
  c.Set("shape", std::vector<int64_t>{3, -1});
  EXPECT_EQ(ShapeAfter(c), "[3,2]");
}

TEST(Flatten, MakesTwoDimensions) {
  const auto flatten = [](const Shape& shape, int64_t axis) {
    OperatorCase c = Case("Flatten", 13, shape);
    c.Set("axis", axis);
    return c;
  };
  EXPECT_EQ(ShapeAfter(flatten({2, 3, 4}, 1)), "[2,12]");
  EXPECT_EQ(ShapeAfter(flatten({2, 3, 4}, 0)), "[1,24]");
  EXPECT_EQ(ShapeAfter(flatten({2, 3, 4}, 3)), "[24,1]");
  EXPECT_EQ(ShapeAfter(flatten({2, 3, 4}, -1)), "[6,4]");
  EXPECT_EQ(ShapeAfter(Case("Flatten", 1, {2, 0, 4})), "[2,0]");
  EXPECT_EQ(ShapeAfter(flatten({}, 0)), "[1,1]");
  ExpectError(flatten({2, 3}, 3), "axis 3 is outside [-2, 2]");
}

TEST(Squeeze, DropsDimensionsOfOne) {
  const auto squeeze = [](std::vector<int64_t> axes) {
    OperatorCase c = Case("Squeeze", 13, {1, 3, 1, 2});
    c.inputs.push_back(IntTensor(std::move(axes)));
    return c;
  };
  EXPECT_EQ(ShapeAfter(squeeze({0})), "[3,1,2]");
  EXPECT_EQ(ShapeAfter(squeeze({-2, 0})), "[3,2]");
  EXPECT_EQ(ShapeAfter(Case("Squeeze", 13, {1, 3, 1, 2})), "[3,2]");
  EXPECT_EQ(ShapeAfter(Case("Squeeze", 13, {1, 1})), "[]");
  ExpectError(squeeze({1}), "its dimension is not 1");
  ExpectError(squeeze({4}), "axis 4 is outside");
  ExpectError(squeeze({0, -4}), "named twice");
  OperatorCase old = Case("Squeeze", 1, {1, 3, 1, 2});
  old.Set("axes", std::vector<int64_t>{2});
  EXPECT_EQ(ShapeAfter(old), "[1,3,2]");
}

TEST(Unsqueeze, AddsDimensionsOfOne) {
  const auto unsqueeze = [](std::vector<int64_t> axes) {
    OperatorCase c = Case("Unsqueeze", 13, {3, 2});
    c.inputs.push_back(IntTensor(std::move(axes)));
    return c;
  };
  EXPECT_EQ(ShapeAfter(unsqueeze({0})), "[1,3,2]");
  EXPECT_EQ(ShapeAfter(unsqueeze({4, 1, 0})), "[1,1,3,2,1]");
  EXPECT_EQ(ShapeAfter(unsqueeze({-1})), "[3,2,1]");
  ExpectError(unsqueeze({3}), "axis 3 is outside");
  ExpectError(unsqueeze({0, 0}), "named twice");
  ExpectError(unsqueeze({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}), "rank 17");
  OperatorCase old = Case("Unsqueeze", 11, {3});
  old.Set("axes", std::vector<int64_t>{0, 2});
  EXPECT_EQ(ShapeAfter(old), "[1,3,1]");
}

}  // namespace
}  // namespace mullion::cpu
