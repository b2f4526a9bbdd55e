// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, Tensor data, int64_t axis, int64_t exclusive, int64_t reverse) {
  OperatorCase c;
  c.name = name;
  c.opset = 26;
  c.inputs = {std::move(data), Tensor::Scalar(axis)};
  c.Set("exclusive", exclusive);
  c.Set("reverse", reverse);
  return c;
}

TEST(Cumulative, RunsBothWaysWithAndWithoutTheElementItself) {
  const Tensor line = TensorOf<float>({3}, {2, 3, 4});
  ExpectOutput<float>(Case("CumSum", line, 0, 0, 0), {3}, {2, 5, 9});
  ExpectOutput<float>(Case("CumSum", line, -1, 1, 0), {3}, {0, 2, 5});
  ExpectOutput<float>(Case("CumSum", line, 0, 0, 1), {3}, {9, 7, 4});
  ExpectOutput<float>(Case("CumProd", line, 0, 1, 1), {3}, {12, 4, 1});
  const Tensor table = TensorOf<int32_t>({2, 2}, {1, 2, 3, 4});
  ExpectOutput<int32_t>(Case("CumProd", table, 0, 0, 0), {2, 2}, {1, 2, 3, 8});
  ExpectOutput<int32_t>(Case("CumSum", table, 0, 1, 1), {2, 2}, {3, 4, 0, 0});
  ExpectOutput<int32_t>(Case("CumSum", table, 1, 0, 0), {2, 2}, {1, 3, 3, 7});
}

TEST(Cumulative, WrapsIntegersAndSharesOutColumns) {
  ExpectOutput<int8_t>(Case("CumSum", TensorOf<int8_t>({2}, {100, 100}), 0, 0, 0), {2}, {100, -56});
  const Shape shape{3, 50, 641};
  std::vector<int64_t> expected(static_cast<size_t>(shape.ElementCount()));
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = static_cast<int64_t>(i) + (i / 641 % 50 == 0 ? 0 : expected[i - 641]);
  }
  ExpectOutput(Case("CumSum", Counting<int64_t>(shape), 1, 0, 0), shape, expected);
  // Columns on their own are rounded as those that go together.
  std::vector<Float16> ones(300 * 65, Float16(1.001f));
  const std::vector<Tensor> outputs =
      RunEveryWay(Case("CumSum", TensorOf({300, 65}, ones), 0, 0, 0));
  ASSERT_EQ(outputs.size(), 1u);
  const auto sums = outputs[0].span<Float16>();
  EXPECT_EQ(sums[299 * 65].bits, sums[299 * 65 + 64].bits);
}

TEST(Cumulative, RefusesAxesThatAreNotThere) {
  ExpectError(Case("CumSum", Counting<float>({3}), 1, 0, 0), "outside");
  OperatorCase c = Case("CumSum", Counting<float>({3}), 1, 0, 0);
  c.inputs[1] = IntTensor({0, 0});
  ExpectError(c, "one element");
}

}  // namespace
}  // namespace mullion::cpu
