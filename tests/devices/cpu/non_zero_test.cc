// SPDX-License-Identifier: MIT
// NonZero, Compress and Unique, whose output sizes hang on contents.
#include <limits>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = std::move(inputs);
  return c;
}

TEST(NonZero, ListsCoordinatesInRowMajorOrder) {
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<float>({2, 2}, {1, 0, -2, -0.0f})}), {2, 2},
                        {0, 1, 0, 0});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<bool>({3}, {true, false, true})}), {1, 2},
                        {0, 2});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<int8_t>({1, 2, 2}, {0, -128, 0, 1})}), {3, 2},
                        {0, 0, 0, 1, 1, 1});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<int64_t>({2}, {0, 0})}), {1, 0}, {});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<double>({0, 2}, {})}), {2, 0}, {});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<Float16>({2}, {Float16(-0.0f), Float16(1e-7f)})}),
                        {1, 1}, {1});
}

TEST(Compress, KeepsWhatTheConditionNames) {
  const auto compress = [](const std::vector<bool>& keep, const std::vector<int64_t>& axis) {
    OperatorCase c = Case("Compress", {Counting<int32_t>({3, 2}),
                                       TensorOf<bool>({static_cast<int64_t>(keep.size())}, keep)});
    if (!axis.empty()) c.Set("axis", axis[0]);
    return c;
  };
  ExpectOutput<int32_t>(compress({false, true, true}, {0}), {2, 2}, {2, 3, 4, 5});
  ExpectOutput<int32_t>(compress({false, true}, {-1}), {3, 1}, {1, 3, 5});
  ExpectOutput<int32_t>(compress({true, false, false, true}, {}), {2}, {0, 3});
  ExpectOutput<int32_t>(compress({false}, {0}), {0, 2}, {});
  ExpectOutput<int32_t>(compress({true, false, false, false}, {1}), {3, 1}, {0, 2, 4});
  ExpectError(compress({true, true, true}, {1}), "after the end");
}

std::vector<int64_t> Ints(const Tensor& tensor) {
  const auto span = tensor.span<int64_t>();
  return {span.begin(), span.end()};
}

using List = std::vector<int64_t>;

TEST(Unique, SortsAndCounts) {
  OperatorCase c = Case("Unique", {TensorOf<float>({2, 3}, {2, 1, 1, 3, 4, 3})});
  c.output_count = 4;
  std::vector<Tensor> outputs = RunEveryWay(c);
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({1, 2, 3, 4}));
  EXPECT_EQ(Ints(outputs[1]), List({1, 0, 3, 4}));
  EXPECT_EQ(Ints(outputs[2]), List({1, 0, 0, 2, 3, 2}));
  EXPECT_EQ(Ints(outputs[3]), List({2, 1, 2, 1}));
  c.Set("sorted", int64_t{0});
  outputs = RunEveryWay(c);
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({2, 1, 3, 4}));
  EXPECT_EQ(Ints(outputs[1]), List({0, 1, 3, 4}));
  EXPECT_EQ(Ints(outputs[2]), List({0, 1, 1, 2, 3, 2}));
  EXPECT_EQ(Ints(outputs[3]), List({1, 2, 2, 1}));
}

TEST(Unique, TakesSlicesAlongAnAxis) {
  OperatorCase c = Case("Unique", {TensorOf<int32_t>({2, 3}, {5, 4, 5, 7, 9, 7})});
  c.Set("axis", int64_t{1});
  ExpectOutput<int32_t>(c, {2, 2}, {4, 5, 9, 7});
  c.attributes = {{"axis", int64_t{-2}}};
  ExpectOutput<int32_t>(c, {2, 3}, {5, 4, 5, 7, 9, 7});
  ExpectOutput<std::string>(Case("Unique", {TensorOf<std::string>({3}, {"b", "a", "b"})}), {2},
                            {"a", "b"});
}

TEST(Unique, TreatsAllNanAsOne) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Tensor> outputs =
      RunEveryWay(Case("Unique", {TensorOf<float>({4}, {nan, 1, nan, -1})}));
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].count(), 3);
  EXPECT_EQ(Floats(outputs[0])[0], -1);
  EXPECT_NE(Floats(outputs[0])[2], Floats(outputs[0])[2]);
}

}  // namespace
}  // namespace mullion::cpu
