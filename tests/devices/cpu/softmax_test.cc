// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, Tensor input, int64_t axis) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = {std::move(input)};
  c.Set("axis", axis);
  return c;
}

TEST(Softmax, AgreesWithDoubleOnRowsAndColumnsOfManyLengths) {
  std::mt19937 random(1);
  for (const char* const name : {"Softmax", "LogSoftmax"}) {
    for (const int64_t n : {1, 2, 3, 5, 8, 13, 16, 33, 100, 1000}) {
      SCOPED_TRACE(testing::Message() << name << " of " << n);
      ExpectAgreement(Case(name, 13, RandomTensor({71, n}, random), -1), 2e-6);
      ExpectAgreement(Case(name, 13, RandomTensor({2, n, 37}, random), 1), 2e-6);
    }
  }
}

// Of doubles, against plain loops.
TEST(Softmax, OfDoublesEqualsItsFormulaOnRowsAndColumns) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(-30, 30);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const int64_t n : {1, 2, 7, 64, 255, 257, 700}) {
      for (const int64_t inner : {1, 3, 70}) {
        SCOPED_TRACE(testing::Message() << IsaName(isa) << ", " << n << " by " << inner);
        std::vector<double> x(static_cast<size_t>(3 * n * inner));
        for (double& value : x) value = number(random);
        const auto at = [&](int64_t o, int64_t k, int64_t i) {
          return static_cast<size_t>((o * n + k) * inner + i);
        };
        if (n > 2) x[at(1, 1, 0)] = -HUGE_VAL;
        if (n > 2) x[at(2, n - 1, 0)] = NAN;
        const Tensor input = Tensor::FromSpan<double>({3, n, inner}, std::span<const double>(x));
        const Tensor plain = Case("Softmax", 13, input, 1).Run()[0];
        const Tensor logs = Case("LogSoftmax", 13, input, 1).Run()[0];
        for (int64_t o = 0; o < 3; ++o) {
          for (int64_t i = 0; i < inner; ++i) {
            double maximum = -HUGE_VAL;
            long double sum = 0;
            for (int64_t k = 0; k < n; ++k) maximum = std::fmax(maximum, x[at(o, k, i)]);
            for (int64_t k = 0; k < n; ++k) sum += std::exp(x[at(o, k, i)] - maximum);
            for (int64_t k = 0; k < n; ++k) {
              const size_t place = at(o, k, i);
              const double y = plain.span<double>()[place];
              const double log = logs.span<double>()[place];
              if (std::isnan(static_cast<double>(sum))) {
                ASSERT_TRUE(std::isnan(y) && std::isnan(log));
                continue;
              }
              const auto expected = static_cast<double>(std::exp(x[place] - maximum) / sum);
              ASSERT_NEAR(y, expected, 1e-14 * expected);
              if (expected == 0) {
                ASSERT_EQ(log, -HUGE_VAL);
              } else {
                ASSERT_NEAR(log, x[place] - maximum - static_cast<double>(std::log(sum)), 1e-13);
              }
            }
          }
        }
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(Softmax, SharesLargeInputsBetweenThreads) {
  std::mt19937 random(2);
  ExpectAgreement(Case("Softmax", 13, RandomTensor({500, 200}, random), 1), 2e-6);
  ExpectAgreement(Case("Softmax", 13, RandomTensor({3, 20, 2000}, random), 1), 2e-6);
}

TEST(Softmax, StaysFiniteForLargeNumbers) {
  const OperatorCase c = Case("Softmax", 13, FloatTensor({1, 2}, {1000, 1000}), 1);
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0.5f, 0.5f}));
}

TEST(Softmax, FlattensBeforeOpsetThirteen) {
  std::mt19937 random(3);
  const Tensor input = RandomTensor({2, 3, 4}, random);
  const Tensor flat = Case("Softmax", 13, input.Reshaped({2, 12}), 1).Run()[0];
  ExpectClose(Case("Softmax", 11, input, 1).Run()[0], flat.Reshaped({2, 3, 4}), 0);
}

TEST(Softmax, KeepsToOneAxisBeforeOpsetThirteenWhereThatIsTheSame) {
  std::mt19937 random(4);
  const Tensor input = RandomTensor({2, 10, 1, 1}, random);
  const Tensor expected = Case("Softmax", 13, input, 1).Run()[0];
  ExpectClose(Case("Softmax", 7, input, 1).Run()[0], expected, 0);
}

TEST(Softmax, TakesEmptyInputs) {
  EXPECT_EQ(Case("Softmax", 13, FloatTensor({0, 3}, {}), 1).Run()[0].count(), 0);
  EXPECT_EQ(Case("Softmax", 13, FloatTensor({3, 0}, {}), 1).Run()[0].count(), 0);
}

TEST(Softmax, RefusesAnAxisOutsideTheRank) {
  const OperatorCase c = Case("Softmax", 13, FloatTensor({1, 2}, {1, 2}), 2);
  EXPECT_NE(c.RunError().find("axis 2 is outside"), std::string::npos);
}

TEST(Hardmax, MarksTheFirstOfTheLargest) {
  const OperatorCase c = Case("Hardmax", 13, FloatTensor({2, 3}, {1, 3, 3, 2, 0, 1}), -1);
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0, 1, 0, 1, 0, 0}));
}

TEST(Hardmax, TakesColumnsAsItTakesRows) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr int64_t kRows = 5;
  constexpr int64_t kColumns = 131;
  std::vector<float> values;
  std::vector<float> expected;
  for (int64_t i = 0; i < kRows * kColumns; ++i) {
    const int64_t row = i / kColumns;
    const int64_t column = i % kColumns;
    const int64_t best = column % kRows;
    // NaN is passed over unless it comes first; of equal ones the first counts.
    const bool nan = column % 7 == 3 && row == (column % 2 == 0 ? 0 : 4);
    values.push_back(nan ? kNaN : row >= best ? 2.0f : -1.0f);
    const bool leads = column % 14 == 10;
    const int64_t first = leads ? 0 : column % 14 == 3 && best == 4 ? 0 : best;
    expected.push_back(row == first ? 1.0f : 0.0f);
  }
  const OperatorCase c = Case("Hardmax", 13, FloatTensor({kRows, kColumns}, values), 0);
  EXPECT_EQ(Floats(c.Run()[0]), expected);
}

}  // namespace
}  // namespace mullion::cpu
