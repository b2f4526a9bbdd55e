// SPDX-License-Identifier: MIT
#include <limits>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = std::move(inputs);
  return c;
}

TEST(Constant, HoldsAnyOfItsValues) {
  OperatorCase c = Case("Constant", 13, {});
  c.attributes = {{"value", Counting<int16_t>({2})}};
  ExpectOutput<int16_t>(c, {2}, {0, 1});
  c.attributes = {{"value_float", 1.5f}};
  ExpectOutput<float>(c, {}, {1.5f});
  c.attributes = {{"value_ints", std::vector<int64_t>{4, 5}}};
  ExpectOutput<int64_t>(c, {2}, {4, 5});
  c.attributes = {{"value_string", std::string("text")}};
  ExpectOutput<std::string>(c, {}, {"text"});
  c.attributes.clear();
  ExpectError(c, "has no value");
}

TEST(ConstantOfShape, RepeatsItsValue) {
  OperatorCase c = Case("ConstantOfShape", 9, {IntTensor({2, 2})});
  ExpectOutput<float>(c, {2, 2}, {0, 0, 0, 0});
  c.Set("value", TensorOf<int8_t>({1}, {7}));
  ExpectOutput<int8_t>(c, {2, 2}, {7, 7, 7, 7});
  c.inputs = {IntTensor({})};
  ExpectOutput<int8_t>(c, {}, {7});
  c.inputs = {IntTensor({3, 0})};
  ExpectOutput<int8_t>(c, {3, 0}, {});
  c.inputs = {IntTensor({-1})};
  ExpectError(c, "0 or more");
  c.inputs = {IntTensor({int64_t{1} << 40, int64_t{1} << 40})};
  ExpectError(c, "too large");
}

template <typename T>
OperatorCase Range(T start, T limit, T delta) {
  return Case("Range", 11, {Tensor::Scalar(start), Tensor::Scalar(limit), Tensor::Scalar(delta)});
}

TEST(Range, CountsUpAndDown) {
  ExpectOutput<int64_t>(Range<int64_t>(1, 6, 2), {3}, {1, 3, 5});
  ExpectOutput<int32_t>(Range<int32_t>(5, 0, -2), {3}, {5, 3, 1});
  ExpectOutput<int16_t>(Range<int16_t>(3, 3, 1), {0}, {});
  ExpectOutput<float>(Range<float>(0, 1, 0.25f), {4}, {0, 0.25f, 0.5f, 0.75f});
  ExpectOutput<double>(Range<double>(2, 1, -0.5), {2}, {2, 1.5});
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  ExpectOutput<int64_t>(Range<int64_t>(kMin, kMax, kMax), {3}, {kMin, -1, kMax - 1});
  ExpectOutput<int64_t>(Range<int64_t>(0, kMin, kMin), {1}, {0});
  ExpectError(Range<int64_t>(0, 1, 0), "'delta' must not be 0");
  ExpectError(Range<float>(0, std::nanf(""), 1), "no end");
  ExpectError(Range<float>(0, std::numeric_limits<float>::infinity(), 1), "no end");
}

TEST(EyeLike, PutsOnesOnADiagonal) {
  OperatorCase c = Case("EyeLike", 9, {Counting<float>({2, 3})});
  ExpectOutput<float>(c, {2, 3}, {1, 0, 0, 0, 1, 0});
  c.Set("k", int64_t{-1});
  c.Set("dtype", static_cast<int64_t>(ElementType::kInt32));
  ExpectOutput<int32_t>(c, {2, 3}, {0, 0, 0, 1, 0, 0});
  c.attributes = {{"k", int64_t{3}}};
  ExpectOutput<float>(c, {2, 3}, {0, 0, 0, 0, 0, 0});
  c.inputs = {Counting<float>({2})};
  ExpectError(c, "rank 2");
}

}  // namespace
}  // namespace mullion::cpu
