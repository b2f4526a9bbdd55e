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

// Totals of halves are floats: eighths of small numbers, so that they are exact but for how they
// are written.
TEST(Cumulative, AddsHalvesUpAsFloats) {
  for (const Shape& shape : {Shape{3, 70, 1}, Shape{2, 1100, 1}, Shape{2, 9, 521}}) {
    const int64_t n = shape[1];
    const int64_t inner = shape[2];
    std::vector<Float16> x;
    for (int64_t i = 0; i < shape.ElementCount(); ++i) {
      x.push_back(Float16(static_cast<float>(i * 7 % 41 - 19) / 8));
    }
    for (int64_t choice = 0; choice < 4; ++choice) {
      const bool exclusive = choice % 2 == 1;
      const bool reverse = choice / 2 == 1;
      std::vector<Float16> expected(x.size());
      for (int64_t line = 0; line < shape[0] * inner; ++line) {
        float total = 0;
        for (int64_t k = 0; k < n; ++k) {
          const int64_t at = reverse ? n - 1 - k : k;
          const auto i = static_cast<size_t>((line / inner * n + at) * inner + line % inner);
          const float next = total + static_cast<float>(x[i]);
          expected[i] = Float16(exclusive ? total : next);
          total = next;
        }
      }
      const OperatorCase c = Case("CumSum", TensorOf(shape, x), 1, exclusive, reverse);
      const std::vector<Tensor> outputs = RunEveryWay(c);
      ASSERT_EQ(outputs.size(), 1u);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(outputs[0].span<Float16>()[i].bits, expected[i].bits) << i << " " << choice;
      }
    }
  }
}

TEST(Cumulative, RefusesAxesThatAreNotThere) {
  ExpectError(Case("CumSum", Counting<float>({3}), 1, 0, 0), "outside");
  OperatorCase c = Case("CumSum", Counting<float>({3}), 1, 0, 0);
  c.inputs[1] = IntTensor({0, 0});
  ExpectError(c, "one element");
}

}  // namespace
}  // namespace mullion::cpu
