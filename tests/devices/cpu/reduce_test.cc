// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const char* const kNames[] = {"ReduceSum", "ReduceMean",      "ReduceMax",
                              "ReduceMin", "ReduceProd",      "ReduceL1",
                              "ReduceL2",  "ReduceSumSquare", "ReduceLogSumExp"};

OperatorCase Case(const char* name, Tensor input, std::vector<int64_t> axes) {
  OperatorCase c;
  c.name = name;
  c.opset = 18;
  c.inputs = {std::move(input), IntTensor(std::move(axes))};
  return c;
}

TEST(Reduce, AgreesWithDoubleForEveryChoiceOfAxes) {
  std::mt19937 random(1);
  const Tensor input = RandomTensor({3, 1, 5, 7, 18}, random);
  for (const char* const name : kNames) {
    for (uint32_t mask = 1; mask < 32; ++mask) {
      std::vector<int64_t> axes;
      for (int64_t axis = 0; axis < 5; ++axis) {
        if ((mask >> axis) & 1) axes.push_back(axis % 2 == 0 ? axis : axis - 5);
      }
      SCOPED_TRACE(testing::Message() << name << " mask " << mask);
      OperatorCase c = Case(name, input, axes);
      c.Set("keepdims", int64_t{mask % 2});
      // Products of many factors lie far from 1; their error is relative.
      ExpectAgreement(c, 1e-4);
      if (HasFailure()) return;
    }
  }
}

TEST(Reduce, CutsFewLargeReductionsIntoParts) {
  std::mt19937 random(2);
  for (const char* const name : {"ReduceSum", "ReduceMax", "ReduceLogSumExp", "ReduceL2"}) {
    SCOPED_TRACE(name);
    ExpectAgreement(Case(name, RandomTensor({2, 150000}, random), {1}), 1e-3);
    ExpectAgreement(Case(name, RandomTensor({70000, 5}, random), {0}), 1e-3);
    ExpectAgreement(Case(name, RandomTensor({300, 3, 700}, random), {0, 2}), 1e-3);
  }
}

TEST(Reduce, TurnsShortRuns) {
  std::mt19937 random(3);
  for (const char* const name : kNames) {
    for (const int64_t length : {2, 3, 4, 5, 16, 31, 32, 33}) {
      for (const int64_t outputs : {1, 15, 16, 17, 100, 2500}) {
        SCOPED_TRACE(testing::Message() << name << " of " << outputs << " x " << length);
        ExpectAgreement(Case(name, RandomTensor({outputs, length}, random), {1}), 1e-4);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Reduce, TakesRunsSideBySideOnEveryLevel) {
  std::mt19937 random(4);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const char* const name : kNames) {
      for (const int64_t length : {33, 100, 1024, 1025}) {
        for (const int64_t outputs : {1, 2, 3, 4, 18}) {
          SCOPED_TRACE(testing::Message()
                       << name << " of " << outputs << " x " << length << " on " << IsaName(isa));
          ExpectAgreement(Case(name, RandomTensor({outputs, length}, random), {1}), 1e-3);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(Reduce, TurnsShortRunsOfWholeNumbers) {
  std::vector<int64_t> wide;
  std::vector<int32_t> narrow;
  std::vector<int64_t> sums;
  std::vector<int32_t> maxima;
  for (int64_t i = 0; i < 3000; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      wide.push_back(i * j - 1000);
      narrow.push_back(static_cast<int32_t>(i % 7 * j - i));
    }
    sums.push_back(3 * i - 3000);
    maxima.push_back(static_cast<int32_t>(i % 7 * 2 - i));
  }
  OperatorCase sum = Case("ReduceSum", TensorOf<int64_t>({3000, 3}, wide), {1});
  sum.Set("keepdims", int64_t{0});
  ExpectOutput<int64_t>(sum, {3000}, sums);
  OperatorCase maximum = Case("ReduceMax", TensorOf<int32_t>({3000, 3}, narrow), {1});
  maximum.Set("keepdims", int64_t{0});
  ExpectOutput<int32_t>(maximum, {3000}, maxima);
}

TEST(Reduce, GivesNeutralValuesForEmptySets) {
  const std::pair<const char*, float> expected[] = {
      {"ReduceSum", 0.0f}, {"ReduceProd", 1.0f},      {"ReduceMax", -kInfinity},
      {"ReduceL1", 0.0f},  {"ReduceMin", kInfinity},  {"ReduceLogSum", -kInfinity},
      {"ReduceL2", 0.0f},  {"ReduceSumSquare", 0.0f}, {"ReduceLogSumExp", -kInfinity}};
  for (const auto& [name, value] : expected) {
    SCOPED_TRACE(name);
    const std::vector<Tensor> outputs = Case(name, FloatTensor({2, 0, 3}, {}), {1}).Run();
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(outputs[0].shape().ToString(), "[2,1,3]");
    EXPECT_EQ(Floats(outputs[0]), std::vector<float>(6, value));
  }
}

TEST(Reduce, AppliesItsFunctionEvenWithoutAxesToReduce) {
  OperatorCase c = Case("ReduceSumSquare", FloatTensor({3}, {1, -2, 3}), {});
  c.Set("noop_with_empty_axes", int64_t{1});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({1, 4, 9}));
}

// Of runs and of columns, more than are taken at once, whose maxima rise and fall.
TEST(Reduce, SumsExponentialsOfDoublesExactly) {
  constexpr int64_t kRows = 203;
  constexpr int64_t kColumns = 1045;
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> number(-1, 1);
  std::vector<double> values(static_cast<size_t>(kRows * kColumns));
  for (double& v : values) v = number(random) * 700;
  const Tensor input = TensorOf<double>({kRows, kColumns}, values);
  for (const int64_t axis : {0, 1}) {
    const Tensor output = Case("ReduceLogSumExp", input, {axis}).Run()[0];
    const auto results = output.span<double>();
    for (int64_t j = 0; j < (axis == 0 ? kColumns : kRows); ++j) {
      long double sum = 0;
      for (int64_t i = 0; i < (axis == 0 ? kRows : kColumns); ++i) {
        const int64_t at = axis == 0 ? i * kColumns + j : j * kColumns + i;
        sum += std::exp(static_cast<long double>(values[static_cast<size_t>(at)]));
      }
      const auto exact = static_cast<double>(std::log(sum));
      ASSERT_NEAR(results[static_cast<size_t>(j)], exact, 1e-15 * std::fabs(exact));
    }
  }
}

TEST(Reduce, KeepsInfinitiesInLogSumExp) {
  OperatorCase c = Case(
      "ReduceLogSumExp",
      FloatTensor({3, 3}, {-kInfinity, -kInfinity, -kInfinity, 1, kInfinity, 2, -kInfinity, 3, 3}),
      {1});
  for (int64_t axis : {1, 0}) {
    c.inputs[1] = IntTensor({axis});
    const std::vector<float> y = Floats(c.Run()[0]);
    if (axis == 1) {
      EXPECT_EQ(y[0], -kInfinity);
      EXPECT_EQ(y[1], kInfinity);
      EXPECT_NEAR(y[2], 3 + std::log(2.0f), 1e-6f);
    } else {
      EXPECT_NEAR(y[0], 1.0f, 1e-6f);
      EXPECT_EQ(y[1], kInfinity);
    }
  }
}

TEST(Reduce, WrapsIntegersAndTruncatesMeans) {
  OperatorCase c;
  c.name = "ReduceSum";
  c.opset = 13;
  const std::vector<int32_t> values = {std::numeric_limits<int32_t>::max(), 1, -7, 2};
  c.inputs = {Tensor::FromSpan<int32_t>({2, 2}, values), IntTensor({1})};
  EXPECT_EQ(c.Run()[0].span<int32_t>()[0], std::numeric_limits<int32_t>::min());
  c.name = "ReduceMean";
  c.opset = 18;
  EXPECT_EQ(c.Run()[0].span<int32_t>()[1], -2);
}

template <typename T>
double ReducedByLoop(const std::string& name, const std::vector<T>& values) {
  double sum = 0;
  double product = 1;
  double squares = 0;
  double absolute = 0;
  double exponentials = 0;
  double most = -std::numeric_limits<double>::infinity();
  double least = std::numeric_limits<double>::infinity();
  for (const T value : values) {
    const auto x = static_cast<double>(value);
    sum += x;
    product *= x;
    squares += x * x;
    absolute += std::fabs(x);
    exponentials += std::exp(x);
    most = std::max(most, x);
    least = std::min(least, x);
  }
  if (name == "ReduceSum") return sum;
  if (name == "ReduceMean") return sum / static_cast<double>(values.size());
  if (name == "ReduceMax") return most;
  if (name == "ReduceMin") return least;
  if (name == "ReduceProd") return product;
  if (name == "ReduceL1") return absolute;
  if (name == "ReduceL2") return std::sqrt(squares);
  if (name == "ReduceSumSquare") return squares;
  return name == "ReduceLogSum" ? std::log(sum) : std::log(exponentials);
}

// Along the last and along the first of two axes, of values whose results no type loses.
template <typename T>
void CheckAgainstLoop(const std::string& name, int64_t n) {
  SCOPED_TRACE(testing::Message() << name << " of " << n << ", size " << sizeof(T)
                                  << (std::is_signed_v<T> ? " signed" : ""));
  std::mt19937 random(static_cast<unsigned>(n));
  constexpr int64_t kLines = 3;
  std::vector<std::vector<T>> lines(kLines, std::vector<T>(static_cast<size_t>(n)));
  for (std::vector<T>& line : lines) {
    for (T& value : line) {
      const int signs = std::is_signed_v<T> && name != "ReduceLogSum" ? 2 : 0;
      value = static_cast<T>(static_cast<int>(random() % 5) - signs);
      if (name == "ReduceLogSum") value = static_cast<T>(value + 1);
      if (name == "ReduceProd") value = static_cast<T>(random() % 40 == 0 && n < 70 ? 2 : 1);
    }
  }
  for (const int64_t axis : {0, 1}) {
    std::vector<T> values;
    for (int64_t i = 0; i < kLines * n; ++i) {
      const int64_t line = axis == 1 ? i / n : i % kLines;
      const int64_t at = axis == 1 ? i % n : i / kLines;
      values.push_back(lines[static_cast<size_t>(line)][static_cast<size_t>(at)]);
    }
    const Shape shape = axis == 1 ? Shape{kLines, n} : Shape{n, kLines};
    const OperatorCase c =
        Case(name.c_str(), Tensor::FromSpan<T>(shape, std::span<const T>(values)), {axis});
    const Tensor y = c.Run()[0];
    ASSERT_EQ(y.count(), kLines);
    for (size_t line = 0; line < kLines; ++line) {
      const double expected = ReducedByLoop(name, lines[line]);
      const auto result = static_cast<double>(y.span<T>()[line]);
      if (std::is_integral_v<T>) {
        EXPECT_EQ(result, std::trunc(expected));
      } else {
        EXPECT_NEAR(result, expected, 1e-12 * std::fabs(expected));
      }
    }
  }
}

void CheckEveryType() {
  for (const int64_t n : {1, 2, 7, 8, 16, 17, 31, 32, 33, 63, 64, 65, 100, 511, 513, 1300}) {
    for (const char* const name :
         {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceProd", "ReduceL1", "ReduceL2",
          "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"}) {
      CheckAgainstLoop<double>(name, n);
      CheckAgainstLoop<int32_t>(name, n);
      CheckAgainstLoop<uint32_t>(name, n);
      CheckAgainstLoop<int64_t>(name, n);
      CheckAgainstLoop<uint64_t>(name, n);
    }
    for (const char* const name : {"ReduceMax", "ReduceMin"}) {
      CheckAgainstLoop<int8_t>(name, n);
      CheckAgainstLoop<uint8_t>(name, n);
      CheckAgainstLoop<int32_t>(name, n);
      CheckAgainstLoop<double>(name, n);
    }
  }
}

// Rows of n elements, each with another element at another place.
template <typename T>
void CheckEveryPlace(int64_t n) {
  for (const std::string name : {"ReduceMax", "ReduceMin", "ReduceSum"}) {
    if (sizeof(T) == 1 && name == "ReduceSum") continue;
    const bool is_min = name == "ReduceMin";
    SCOPED_TRACE(testing::Message() << name << " of " << n << ", size " << sizeof(T));
    std::vector<T> values(static_cast<size_t>(n * n), is_min ? T{5} : T{0});
    for (int64_t i = 0; i < n; ++i) values[static_cast<size_t>(i * n + i)] = T{3};
    const OperatorCase c =
        Case(name.c_str(), Tensor::FromSpan<T>(Shape{n, n}, std::span<const T>(values)), {1});
    const Tensor y = c.Run()[0];
    for (const T result : y.span<T>()) EXPECT_EQ(result, T{3});
  }
}

TEST(Reduce, TakesEveryTypeAtEveryLengthOnEveryLevel) {
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    CheckEveryType();
    for (int64_t n = 1; n < 150; ++n) {
      CheckEveryPlace<uint8_t>(n);
      CheckEveryPlace<int8_t>(n);
      CheckEveryPlace<int32_t>(n);
      CheckEveryPlace<uint64_t>(n);
      CheckEveryPlace<float>(n);
      CheckEveryPlace<double>(n);
    }
  }
}

template <typename T>
void CheckLogSumExpOfEnds() {
  constexpr T kLow = std::numeric_limits<T>::lowest();
  constexpr T kHigh = std::numeric_limits<T>::max();
  // Maxima that rise and fall by more than T can hold, and negative ones, whose sums are nearer 0.
  const std::vector<T> values = {kLow, kHigh, kLow, 3, kLow, 3, -5, -25, -60, kLow, kLow, kLow};
  for (const int64_t axis : {0, 1}) {
    std::vector<T> placed(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      placed[axis == 1 ? i : i % 3 * 4 + i / 3] = values[i];
    }
    const Shape shape = axis == 1 ? Shape{4, 3} : Shape{3, 4};
    const OperatorCase c =
        Case("ReduceLogSumExp", Tensor::FromSpan<T>(shape, std::span<const T>(placed)), {axis});
    const Tensor y = c.Run()[0];
    EXPECT_EQ(y.span<T>()[0], kHigh);
    EXPECT_EQ(y.span<T>()[1], 3);
    EXPECT_EQ(y.span<T>()[2], -4);
    EXPECT_LE(y.span<T>()[3], kLow + 2);  // log(3) more, towards 0
  }
}

TEST(Reduce, TakesTheEndsOfIntegersInLogSumExp) {
  CheckLogSumExpOfEnds<int32_t>();
  CheckLogSumExpOfEnds<int64_t>();
}

template <typename T>
void CheckLogSumOfEnds() {
  const T infinity = std::numeric_limits<T>::infinity();
  const std::vector<T> values = {0, 0, 1, 0, -3, 1, infinity, 1, infinity, -infinity, 2, 3};
  const OperatorCase c = Case("ReduceLogSum", Tensor::FromSpan<T>({6, 2}, values), {1});
  const Tensor y = c.Run()[0];
  EXPECT_EQ(y.span<T>()[0], -infinity);
  EXPECT_EQ(y.span<T>()[1], 0);
  EXPECT_TRUE(std::isnan(y.span<T>()[2]));
  EXPECT_EQ(y.span<T>()[3], infinity);
  EXPECT_TRUE(std::isnan(y.span<T>()[4]));
  EXPECT_NEAR(y.span<T>()[5], std::log(T{5}), 1e-6);
}

TEST(Reduce, LogSumOfNothingOfNegativeAndOfInfiniteSums) {
  CheckLogSumOfEnds<float>();
  CheckLogSumOfEnds<double>();
}

TEST(Reduce, KeepsInfinitiesAndNaNOfDoubleInLogSumExp) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {-infinity, -infinity, -infinity, 1,   infinity, 2,
                                      -infinity, 3,         3,         1e5, 1,        std::nan("")};
  const OperatorCase c = Case("ReduceLogSumExp", Tensor::FromSpan<double>({4, 3}, values), {1});
  const Tensor y = c.Run()[0];
  EXPECT_EQ(y.span<double>()[0], -infinity);
  EXPECT_EQ(y.span<double>()[1], infinity);
  EXPECT_NEAR(y.span<double>()[2], 3 + std::log(2.0), 1e-15);
  EXPECT_TRUE(std::isnan(y.span<double>()[3]));
}

TEST(Reduce, TakesBoolAsAnyAndAll) {
  OperatorCase c;
  c.opset = 20;
  const bool values[] = {true, false, true, true};
  c.inputs = {Tensor::FromSpan<bool>({2, 2}, values), IntTensor({1})};
  c.name = "ReduceMax";
  EXPECT_TRUE(c.Run()[0].span<bool>()[0]);
  c.name = "ReduceMin";
  EXPECT_FALSE(c.Run()[0].span<bool>()[0]);
  EXPECT_TRUE(c.Run()[0].span<bool>()[1]);
}

TEST(Reduce, UpgradesAxesFromTheAttribute) {
  OperatorCase c;
  c.name = "ReduceMean";
  c.opset = 11;
  c.inputs = {FloatTensor({2, 2}, {1, 2, 3, 5})};
  c.Set("axes", std::vector<int64_t>{-1});
  c.Set("keepdims", int64_t{0});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({1.5f, 4}));
}

TEST(Reduce, RefusesAxesOutsideTheRank) {
  const OperatorCase c = Case("ReduceSum", FloatTensor({2, 2}, {1, 2, 3, 5}), {2});
  EXPECT_NE(c.RunError().find("axis 2 is outside"), std::string::npos) << c.RunError();
}

}  // namespace
}  // namespace mullion::cpu
