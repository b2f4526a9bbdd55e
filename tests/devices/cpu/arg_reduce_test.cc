// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, Tensor input, int64_t axis, bool last) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = {std::move(input)};
  c.Set("axis", axis);
  c.Set("select_last_index", int64_t{last ? 1 : 0});
  return c;
}

// Few different values, so that many are equal.
Tensor Ties(const Shape& shape, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
  for (float& value : values) value = static_cast<float>(random() % 5) - 2;
  return FloatTensor(shape, std::move(values));
}

TEST(ArgReduce, AgreesWithDoubleAndBreaksTies) {
  std::mt19937 random(1);
  for (const char* const name : {"ArgMax", "ArgMin"}) {
    for (const bool last : {false, true}) {
      for (const int64_t n : {1, 2, 7, 16, 33, 1000}) {
        SCOPED_TRACE(testing::Message() << name << " of " << n << (last ? ", last" : ""));
        ExpectAgreement(Case(name, Ties({41, n}, random), 1, last), 0);
        ExpectAgreement(Case(name, Ties({2, n, 37}, random), 1, last), 0);
      }
    }
  }
}

TEST(ArgReduce, PassesOverNaN) {
  const float nan = std::nanf("");
  const OperatorCase c = Case("ArgMax", FloatTensor({2, 3}, {nan, 1, 2, nan, nan, nan}), 1, false);
  const Tensor y = c.Run()[0];
  EXPECT_EQ(y.span<int64_t>()[0], 2);
  EXPECT_EQ(y.span<int64_t>()[1], 0);
}

TEST(ArgReduce, TakesIntegers) {
  const std::vector<uint8_t> values = {3, 200, 7};
  const OperatorCase c = Case("ArgMax", Tensor::FromSpan<uint8_t>({3}, values), 0, false);
  EXPECT_EQ(c.Run()[0].span<int64_t>()[0], 1);
}

TEST(ArgReduce, DropsTheAxis) {
  OperatorCase c = Case("ArgMin", FloatTensor({2, 2}, {1, 0, 0, 1}), 0, false);
  c.Set("keepdims", int64_t{0});
  EXPECT_EQ(c.Run()[0].shape().ToString(), "[2]");
}

TEST(ArgReduce, RefusesAnEmptyAxis) {
  const OperatorCase c = Case("ArgMax", FloatTensor({2, 0}, {}), 1, false);
  EXPECT_NE(c.RunError().find("no elements along"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
