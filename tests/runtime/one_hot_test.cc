// SPDX-License-Identifier: MIT
// Products of one-hot rows, as they are written and as rows of a table, give the same bits.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "base/element_traits.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

constexpr int64_t kClasses = 19;
constexpr int64_t kColumns = 13;

// Gelu(MatMul(Cast(numbers == [0 ... 18]), weights) + bias) of numbers [tokens, 1].
template <typename T>
std::vector<float> Evaluate(const std::vector<T>& numbers, bool optimize) {
  TestModel model;
  Value& given = model.Input("numbers", {kUnknownDim, 1}, kElementTypeOf<T>);
  std::vector<T> classes(kClasses);
  std::iota(classes.begin(), classes.end(), T{0});
  Value& hot = model.Add("Equal", {&given, &model.Constant(Tensor::Vector<T>(classes))});
  Value& rows = model.Add("Cast", {&hot});
  rows.producer()->SetAttribute("to", int64_t{1});
  Value& weights = model.Constant(RandomFloats({kClasses, kColumns}, 1));
  Value& bias = model.Constant(RandomFloats({kColumns}, 2));
  Value& sums = model.Add("Add", {&model.Add("MatMul", {&rows, &weights}), &bias});
  model.Output(model.Add("Gelu", {&sums}));
  const auto session = model.MakeSession(1, optimize);
  if (session == nullptr) return {};
  const Datum inputs[] = {Datum::FromTensor(
      Tensor::FromSpan<T>(Shape{static_cast<int64_t>(numbers.size()), 1}, numbers))};
  Datum outputs[1];
  const Status status = session->Run(inputs, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto values = outputs[0].view.template span<float>();
  return {values.begin(), values.end()};
}

template <typename T>
void ExpectSame(const std::vector<T>& numbers) {
  const auto optimized = Evaluate(numbers, true);
  EXPECT_EQ(optimized.size(), numbers.size() * kColumns);
  EXPECT_EQ(optimized, Evaluate(numbers, false));
}

TEST(OneHot, GivesTheSameBits) {
  ExpectSame<int32_t>({3, 0, 18, 7, 7});
  ExpectSame<int64_t>({0, 18, 9});
  ExpectSame<int64_t>({});
}

TEST(OneHot, GivesZerosForWhatIsNoClass) {
  ExpectSame<int32_t>({-1, 19, 20, -19, INT32_MIN, INT32_MAX});
  ExpectSame<int64_t>({-1, 19, INT64_MIN, INT64_MAX, int64_t{1} << 32});
}

}  // namespace
}  // namespace mullion
