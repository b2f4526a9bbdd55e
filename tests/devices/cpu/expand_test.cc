// SPDX-License-Identifier: MIT
// Expand and Tile.
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, Tensor data, std::vector<int64_t> list) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = {std::move(data), IntTensor(std::move(list))};
  return c;
}

TEST(Expand, BroadcastsBothWays) {
  ExpectOutput<float>(Case("Expand", Counting<float>({2, 1}), {3}), {2, 3}, {0, 0, 0, 1, 1, 1});
  ExpectOutput<float>(Case("Expand", Counting<float>({2}), {2, 1}), {2, 2}, {0, 1, 0, 1});
  ExpectOutput<float>(Case("Expand", Counting<float>({2}), {1}), {2}, {0, 1});
  ExpectOutput<float>(Case("Expand", Counting<float>({}), {2}), {2}, {0, 0});
  ExpectOutput<float>(Case("Expand", Counting<float>({1}), {0, 3}), {0, 3}, {});
  ExpectOutput<std::string>(Case("Expand", TensorOf<std::string>({1}, {"x"}), {2}), {2},
                            {"x", "x"});
  ExpectError(Case("Expand", Counting<float>({2}), {3}), "cannot be expanded");
  ExpectError(Case("Expand", Counting<float>({1}), {-1}), "cannot be expanded");
}

TEST(Tile, RepeatsEveryAxis) {
  ExpectOutput<float>(Case("Tile", Counting<float>({1, 2}), {2, 2}), {2, 4},
                      {0, 1, 0, 1, 0, 1, 0, 1});
  ExpectOutput<float>(Case("Tile", Counting<float>({2, 2}), {1, 2}), {2, 4},
                      {0, 1, 0, 1, 2, 3, 2, 3});
  ExpectOutput<float>(Case("Tile", Counting<float>({2}), {0}), {0}, {});
  ExpectOutput<float>(Case("Tile", Counting<float>({}), {}), {}, {0});
  // The second goes to all its places piece by piece.
  for (const Shape& shape : {Shape{3, 50, 2}, Shape{2, 3, 150}}) {
    for (const std::vector<int64_t>& repeats :
         {std::vector<int64_t>{2, 3, 4}, {2, 3, 1}, {3, 1, 1}, {1, 1, 2}, {1, 2, 1}}) {
      const Shape out{shape[0] * repeats[0], shape[1] * repeats[1], shape[2] * repeats[2]};
      std::vector<int32_t> expected;
      ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
        expected.push_back(static_cast<int32_t>(
            NumberOf(shape, {at[0] % shape[0], at[1] % shape[1], at[2] % shape[2]})));
      });
      ExpectOutput(Case("Tile", Counting<int32_t>(shape), repeats), out, expected);
    }
  }
  ExpectError(Case("Tile", Counting<float>({2}), {1, 1}), "has rank 1");
  ExpectError(Case("Tile", Counting<float>({2}), {-1}), "makes no sense");
  ExpectError(Case("Tile", Counting<float>({4}), {int64_t{1} << 62}), "too large");
}

TEST(Tile, TakesOneAxisInOpset1) {
  OperatorCase c = Case("Tile", Counting<float>({1, 2}), {});
  c.opset = 1;
  c.inputs[1] = TensorOf<float>({1}, {2});
  c.inputs.push_back(TensorOf<float>({1}, {1}));
  c.constant_parameters = true;
  const std::vector<Tensor> outputs = c.Run();
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({0, 1, 0, 1}));
}

}  // namespace
}  // namespace mullion::cpu
