// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Split(int opset, const Shape& shape, int outputs) {
  OperatorCase c;
  c.name = "Split";
  c.opset = opset;
  c.inputs = {Counting<int32_t>(shape)};
  c.output_count = outputs;
  return c;
}

// Shapes and elements of all outputs in one line.
std::string Pieces(const OperatorCase& c) {
  std::string text;
  for (const Tensor& tensor : RunEveryWay(c)) {
    text += tensor.shape().ToString() + ":";
    for (const int32_t value : tensor.span<int32_t>()) text += std::to_string(value) + " ";
  }
  return text;
}

TEST(Split, CutsIntoEqualPieces) {
  EXPECT_EQ(Pieces(Split(13, {4}, 2)), "[2]:0 1 [2]:2 3 ");
  OperatorCase c = Split(2, {2, 4}, 2);
  c.Set("axis", int64_t{1});
  EXPECT_EQ(Pieces(c), "[2,2]:0 1 4 5 [2,2]:2 3 6 7 ");
  ExpectError(Split(13, {5}, 2), "cannot be cut into 2 equal pieces");
}

TEST(Split, CutsIntoUnequalPiecesByNumber) {
  OperatorCase c = Split(18, {5}, 2);
  c.Set("num_outputs", int64_t{2});
  EXPECT_EQ(Pieces(c), "[3]:0 1 2 [2]:3 4 ");
  c = Split(18, {5}, 4);
  c.Set("num_outputs", int64_t{4});
  EXPECT_EQ(Pieces(c), "[2]:0 1 [2]:2 3 [1]:4 [0]:");
}

TEST(Split, CutsIntoGivenSizes) {
  OperatorCase c = Split(13, {2, 3}, 2);
  c.inputs.push_back(IntTensor({1, 2}));
  c.Set("axis", int64_t{-1});
  EXPECT_EQ(Pieces(c), "[2,1]:0 3 [2,2]:1 2 4 5 ");
  OperatorCase old = Split(11, {3}, 3);
  old.Set("split", std::vector<int64_t>{0, 1, 2});
  EXPECT_EQ(Pieces(old), "[0]:[1]:0 [2]:1 2 ");
}

TEST(Split, RefusesSizesThatDoNotFit) {
  OperatorCase c = Split(13, {4}, 2);
  c.inputs.push_back(IntTensor({1, 2}));
  ExpectError(c, "sum up");
  c.inputs[1] = IntTensor({-1, 5});
  ExpectError(c, "sum up");
  c.inputs[1] = IntTensor({4});
  ExpectError(c, "2 outputs");
}

}  // namespace
}  // namespace mullion::cpu
