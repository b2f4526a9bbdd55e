// SPDX-License-Identifier: MIT
// NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss, and Det.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, std::vector<Tensor> inputs, const char* reduction) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = std::move(inputs);
  c.Set("reduction", std::string(reduction));
  return c;
}

TEST(Losses, AgreeWithDouble) {
  std::mt19937 random(1);
  std::vector<int64_t> targets(2 * 7);
  for (int64_t& target : targets) target = static_cast<int64_t>(random() % 5);
  const Tensor targets_tensor = Tensor::FromSpan<int64_t>({2, 7}, targets);
  for (const char* const reduction : {"none", "sum", "mean"}) {
    const std::vector<Tensor> inputs = {RandomTensor({2, 5, 7}, random), targets_tensor,
                                        RandomTensor({5}, random)};
    ExpectAgreement(Case("NegativeLogLikelihoodLoss", inputs, reduction), 1e-4);
    OperatorCase c = Case("SoftmaxCrossEntropyLoss", inputs, reduction);
    ExpectAgreement(c, 1e-4);
    c.output_count = 2;
    ExpectAgreement(c, 1e-4);
  }
}

// Rows and columns of doubles, against plain loops.
TEST(Losses, OfDoublesTakeTheLogarithmOfTheSoftmax) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> number(-30, 30);
  for (const size_t inner : {size_t{1}, size_t{70}}) {
    constexpr size_t kClasses = 300;
    std::vector<double> x(2 * kClasses * inner);
    for (double& value : x) value = number(random);
    const std::vector<int64_t> targets(2 * inner, 7);
    const auto size = static_cast<int64_t>(inner);
    OperatorCase c =
        Case("SoftmaxCrossEntropyLoss",
             {Tensor::FromSpan<double>({2, kClasses, size}, std::span<const double>(x)),
              Tensor::FromSpan<int64_t>({2, size}, targets)},
             "none");
    c.output_count = 2;
    const std::vector<Tensor> outputs = c.Run(2);
    for (size_t i = 0; i < 2 * inner; ++i) {
      const double* const column = x.data() + i / inner * kClasses * inner + i % inner;
      long double sum = 0;
      for (size_t k = 0; k < kClasses; ++k) sum += std::exp(column[k * inner]);
      const auto log = static_cast<double>(std::log(sum));
      ASSERT_NEAR(outputs[0].span<double>()[i], log - column[7 * inner], 1e-12);
      ASSERT_NEAR(outputs[1].span<double>()[static_cast<size_t>(column - x.data())],
                  column[0] - log, 1e-12);
    }
  }
}

TEST(Losses, PassOverIgnoredTargets) {
  OperatorCase c = Case("NegativeLogLikelihoodLoss",
                        {FloatTensor({3, 2}, {1, 2, 3, 4, 5, 6}), IntTensor({1, -7, 0})}, "mean");
  EXPECT_NE(c.RunError().find("element 1 of input 1 is -7 but there are 2 classes"),
            std::string::npos);
  c.Set("ignore_index", int64_t{-7});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({-3.5f}));
}

TEST(Det, EliminatesWithPivots) {
  OperatorCase c;
  c.name = "Det";
  c.opset = 22;
  c.inputs = {FloatTensor({3, 2, 2}, {0, 1, 2, 3, 1, 2, 2, 4, 5, 6, 7, 8})};
  const std::vector<float> y = Floats(c.Run()[0]);
  EXPECT_EQ(y[0], -2);
  EXPECT_EQ(y[1], 0);
  EXPECT_NEAR(y[2], -2, 1e-6f);
}

}  // namespace
}  // namespace mullion::cpu
