// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion {
namespace {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Every operation of one operand, with parameters that are not the neutral ones.
std::vector<ElementwiseStep> AllUnarySteps() {
  std::vector<ElementwiseStep> steps;
  for (int op = 0; op < static_cast<int>(ElementwiseOp::kAdd); ++op) {
    steps.push_back({static_cast<ElementwiseOp>(op), 0.75f, 1.25f});
  }
  return steps;
}

class OnEveryIsa : public testing::TestWithParam<cpu::Isa> {
 protected:
  void SetUp() override { cpu::SetIsaForTest(GetParam()); }
  void TearDown() override { cpu::SetIsaForTest(cpu::AvailableIsas().back()); }
};

TEST_P(OnEveryIsa, FloatAgreesWithDouble) {
  std::mt19937 random(1);
  for (const ElementwiseStep& step : AllUnarySteps()) {
    // Odd lengths leave part of a vector at the end.
    for (const size_t count : {1, 7, 131}) {
      // Logarithms and their like have no value below zero or beyond one: NaN must agree too.
      std::uniform_real_distribution<float> value(-3.0f, 3.0f);
      std::vector<float> x(count);
      for (float& v : x) v = value(random);
      std::vector<double> wide(x.begin(), x.end());
      std::vector<float> y(count);
      cpu::UnaryElements(step, ElementType::kFloat, x.data(), y.data(), count);
      cpu::UnaryElements(step, ElementType::kDouble, wide.data(), wide.data(), count);
      for (size_t i = 0; i < count; ++i) {
        if (std::isnan(wide[i])) {
          EXPECT_TRUE(std::isnan(y[i])) << static_cast<int>(step.op) << " of " << x[i];
        } else {
          EXPECT_NEAR(y[i], wide[i], 2e-6 * (0.3 + std::abs(wide[i])))
              << static_cast<int>(step.op) << " of " << x[i];
        }
      }
    }
  }
}

TEST_P(OnEveryIsa, LargeAngles) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-20000.0f, 20000.0f);
  std::vector<float> x(5000);
  for (float& v : x) v = value(random);
  x[7] = 1e30f;
  x[8] = -kInfinity;
  for (const ElementwiseOp op : {ElementwiseOp::kSin, ElementwiseOp::kCos}) {
    std::vector<float> y(x.size());
    cpu::UnaryElements({op}, ElementType::kFloat, x.data(), y.data(), x.size());
    EXPECT_TRUE(std::isnan(y[8]));
    y[8] = x[8] = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto angle = static_cast<double>(x[i]);
      const double exact = op == ElementwiseOp::kSin ? std::sin(angle) : std::cos(angle);
      ASSERT_NEAR(y[i], i == 8 ? 0.0 : exact, 9e-8) << x[i];
    }
    x[8] = -kInfinity;
  }
}

// Over all exponents, in units of the last place of the result or of 2^-25.
TEST_P(OnEveryIsa, TrigonometryIsExactToAFewPlaces) {
  struct Function {
    ElementwiseOp op;
    double (*exact)(double);
    float low, high;  // exponents of two
    double places;
  };
  const Function functions[] = {{ElementwiseOp::kTan, std::tan, -30, 3, 6},
                                {ElementwiseOp::kAsin, std::asin, -30, 0, 4},
                                {ElementwiseOp::kAcos, std::acos, -30, 0, 4},
                                {ElementwiseOp::kAtan, std::atan, -60, 60, 4},
                                {ElementwiseOp::kSinh, std::sinh, -60, 7, 5},
                                {ElementwiseOp::kCosh, std::cosh, -60, 7, 5},
                                {ElementwiseOp::kAsinh, std::asinh, -60, 120, 5},
                                {ElementwiseOp::kAcosh, std::acosh, 0, 120, 5},
                                {ElementwiseOp::kAtanh, std::atanh, -60, 0, 5}};
  std::mt19937 random(1);
  for (const Function& function : functions) {
    std::uniform_real_distribution<float> exponent(function.low, function.high);
    std::vector<float> x = {0.0f, 1.0f, -1.0f, 0.5f, -0.5f, -0.0f, 1.0000001f};
    while (x.size() < 3001)
      x.push_back(std::exp2(exponent(random)) * (random() % 2 ? 1.0f : -1.0f));
    std::vector<float> y(x.size());
    cpu::UnaryElements({function.op}, ElementType::kFloat, x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = function.exact(static_cast<double>(x[i]));
      if (std::isnan(exact)) {
        ASSERT_TRUE(std::isnan(y[i])) << static_cast<int>(function.op) << " of " << x[i];
        continue;
      }
      const auto rounded = static_cast<float>(exact);
      if (std::isinf(rounded)) {
        ASSERT_EQ(y[i], rounded) << static_cast<int>(function.op) << " of " << x[i];
        continue;
      }
      ASSERT_EQ(std::signbit(y[i]), std::signbit(rounded)) << x[i];
      ASSERT_NEAR(y[i], exact, function.places * std::max(std::abs(exact) * 0x1p-23, 0x1p-140))
          << static_cast<int>(function.op) << " of " << x[i];
    }
  }
}

TEST_P(OnEveryIsa, HalfTypesRoundTheFloatResult) {
  std::vector<Float16> x;
  for (int i = 0; i < 700; ++i) x.emplace_back(static_cast<float>(i - 350) / 64.0f);
  std::vector<Float16> y(x.size());
  const ElementwiseStep step{ElementwiseOp::kTanh};
  cpu::UnaryElements(step, ElementType::kFloat16, x.data(), y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::tanh(static_cast<double>(static_cast<float>(x[i])));
    EXPECT_NEAR(static_cast<float>(y[i]), exact, 5e-4 * std::abs(exact) + 1e-7);
  }
}

TEST_P(OnEveryIsa, RoundsHalfToEven) {
  const std::vector<float> x = {0.5f,        1.5f,       2.5f,  -0.5f, -1.5f,
                                0.49999997f, 8388609.0f, -2.5f, kNaN};
  const std::vector<float> expected = {0, 2, 2, 0, -2, 0, 8388609.0f, -2};
  std::vector<float> y(x.size());
  cpu::UnaryElements({ElementwiseOp::kRound}, ElementType::kFloat, x.data(), y.data(), x.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(y[i], expected[i]) << x[i];
  EXPECT_TRUE(std::isnan(y.back()));
}

TEST_P(OnEveryIsa, NaNStaysNaN) {
  for (const ElementwiseStep& step : AllUnarySteps()) {
    // Those that choose by a comparison which NaN fails give the value of the other side.
    if (step.op == ElementwiseOp::kThresholdedRelu || step.op == ElementwiseOp::kShrink) continue;
    const float x = kNaN;
    float y = 0;
    cpu::UnaryElements(step, ElementType::kFloat, &x, &y, 1);
    EXPECT_TRUE(std::isnan(y)) << static_cast<int>(step.op);
  }
}

TEST_P(OnEveryIsa, ActivationsHaveTheirLimits) {
  const auto at = [](ElementwiseOp op, float x, float alpha = 1.0f, float beta = 1.0f) {
    float y = 0;
    cpu::UnaryElements({op, alpha, beta}, ElementType::kFloat, &x, &y, 1);
    return y;
  };
  EXPECT_EQ(at(ElementwiseOp::kSoftplus, 1000.0f), 1000.0f);
  EXPECT_EQ(at(ElementwiseOp::kSoftplus, -1000.0f), 0.0f);
  EXPECT_EQ(at(ElementwiseOp::kMish, 1000.0f), 1000.0f);
  EXPECT_EQ(at(ElementwiseOp::kGelu, 1000.0f), 1000.0f);
  EXPECT_EQ(at(ElementwiseOp::kGeluTanh, -1000.0f), 0.0f);
  EXPECT_EQ(at(ElementwiseOp::kSwish, 1000.0f), 1000.0f);
  EXPECT_EQ(at(ElementwiseOp::kElu, -1000.0f), -1.0f);
  EXPECT_EQ(at(ElementwiseOp::kClip, kInfinity, -1.0f, 6.0f), 6.0f);
  EXPECT_EQ(at(ElementwiseOp::kReciprocal, 0.0f), kInfinity);
}

INSTANTIATE_TEST_SUITE_P(Unary, OnEveryIsa, testing::ValuesIn(cpu::AvailableIsas()),
                         [](const auto& test) { return std::string(cpu::IsaName(test.param)); });

TEST(Unary, IntegersWrapAtTheSmallestNumber) {
  KernelTester abs("Abs", 13);
  abs.AddInput<int8_t>({3}, {-128, -5, 7});
  ASSERT_TRUE(abs.Run().ok());
  EXPECT_EQ(abs.Output<int8_t>(0), std::vector<int8_t>({-128, 5, 7}));
  KernelTester neg("Neg", 13);
  neg.AddInput<int64_t>({2}, {std::numeric_limits<int64_t>::min(), 4});
  ASSERT_TRUE(neg.Run().ok());
  EXPECT_EQ(neg.Output<int64_t>(0),
            std::vector<int64_t>({std::numeric_limits<int64_t>::min(), -4}));
}

TEST(Unary, SignOfUnsigned) {
  KernelTester tester("Sign", 13);
  tester.AddInput<uint16_t>({3}, {0, 1, 65535});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<uint16_t>(0), std::vector<uint16_t>({0, 1, 1}));
}

TEST(Unary, TakesScalarsAndEmptyTensors) {
  KernelTester scalar("Exp", 13);
  scalar.AddInput<float>(Shape{}, {0.0f});
  ASSERT_TRUE(scalar.Run().ok());
  EXPECT_EQ(scalar.OutputShape(0), Shape{});
  EXPECT_EQ(scalar.Output<float>(0), std::vector<float>({1.0f}));
  KernelTester empty("Relu", 14);
  empty.AddInput<float>({2, 0}, {});
  ASSERT_TRUE(empty.Run().ok());
  EXPECT_EQ(empty.OutputShape(0), Shape({2, 0}));
}

TEST(Unary, RefusesTypesThatTheOperatorLacks) {
  KernelTester tester("Sqrt", 13);
  tester.AddInput<int32_t>({1}, {4});
  const Status status = tester.Run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("int32"), std::string::npos) << status.message();
}

TEST(Not, FlipsTruth) {
  KernelTester tester("Not", 1);
  tester.AddInput(Tensor::FromSpan<bool>({2}, std::initializer_list<bool>{true, false}));
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<bool>(0), std::vector<bool>({false, true}));
}

TEST(BitwiseNot, FlipsEveryBit) {
  KernelTester tester("BitwiseNot", 18);
  tester.AddInput<int16_t>({2}, {0, 5});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<int16_t>(0), std::vector<int16_t>({-1, -6}));
}

TEST(IsInf, LooksForTheSignsAskedFor) {
  KernelTester tester("IsInf", 20);
  tester.AddInput<Float16>({4},
                           {Float16(kInfinity), Float16(-kInfinity), Float16(kNaN), Float16(1)});
  tester.SetAttribute("detect_negative", int64_t{0});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<bool>(0), std::vector<bool>({true, false, false, false}));
}

template <typename T>
void CheckSpecial(const char* name, int64_t positive, int64_t negative,
                  const std::vector<bool>& expected) {
  const auto of = [](double value) { return static_cast<T>(static_cast<float>(value)); };
  KernelTester tester(name, 20);
  tester.AddInput<T>(
      {7}, {of(kInfinity), of(-kInfinity), of(kNaN), of(-kNaN), of(1), of(-0.0), of(-65504)});
  if (std::string(name) == "IsInf") {
    tester.SetAttribute("detect_positive", positive);
    tester.SetAttribute("detect_negative", negative);
  }
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<bool>(0), expected);
}

template <typename T>
void CheckSpecials() {
  CheckSpecial<T>("IsNaN", 0, 0, {false, false, true, true, false, false, false});
  CheckSpecial<T>("IsInf", 1, 1, {true, true, false, false, false, false, false});
  CheckSpecial<T>("IsInf", 1, 0, {true, false, false, false, false, false, false});
  CheckSpecial<T>("IsInf", 0, 1, {false, true, false, false, false, false, false});
  CheckSpecial<T>("IsInf", 0, 0, {false, false, false, false, false, false, false});
}

TEST(IsInf, AndIsNaNKnowEveryFloatingType) {
  CheckSpecials<float>();
  CheckSpecials<double>();
  CheckSpecials<Float16>();
  CheckSpecials<Bfloat16>();
}

TEST(IsNaN, AndIsInfTakeEveryLength) {
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    for (const int64_t count : {0, 1, 31, 33, 2047, 2048, 2049, 4500}) {
      std::vector<float> x(static_cast<size_t>(count));
      for (size_t i = 0; i < x.size(); ++i) {
        const float all[] = {kNaN, kInfinity, -kInfinity, 1};
        x[i] = all[i * i % 7 % 4];
      }
      std::vector<bool> nan, infinite;
      for (const float v : x) {
        nan.push_back(std::isnan(v));
        infinite.push_back(std::isinf(v));
      }
      for (const bool looks_for_nan : {false, true}) {
        KernelTester tester(looks_for_nan ? "IsNaN" : "IsInf", 20);
        tester.AddInput<float>({count}, x);
        ASSERT_TRUE(tester.Run().ok());
        EXPECT_EQ(tester.Output<bool>(0), looks_for_nan ? nan : infinite);
      }
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

TEST(IsNaN, FindsIt) {
  KernelTester tester("IsNaN", 20);
  tester.AddInput<double>({3}, {1.0, std::nan(""), HUGE_VAL});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<bool>(0), std::vector<bool>({false, true, false}));
}

TEST(LeakyRelu, UsesItsSlope) {
  KernelTester tester("LeakyRelu", 6);
  tester.AddInput<float>({3}, {-2, 0, 3});
  tester.SetAttribute("alpha", 0.5f);
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({-1, 0, 3}));
}

TEST(Gelu, RefusesUnknownApproximation) {
  KernelTester tester("Gelu", 20);
  tester.AddInput<float>({1}, {1});
  tester.SetAttribute("approximate", std::string("cubic"));
  EXPECT_NE(tester.Run().message().find("approximate"), std::string::npos);
}

TEST(Clip, TakesBoundsFromAttributesOfOpsetSix) {
  KernelTester tester("Clip", 6);
  tester.AddInput<float>({4}, {-9, -1, 2, 9});
  tester.SetAttribute("min", -2.0f);
  tester.SetAttribute("max", 6.0f);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({-2, -1, 2, 6}));
}

TEST(Clip, UpperBoundWinsAndEitherMayBeLeftOut) {
  KernelTester crossed("Clip", 13);
  crossed.AddInput<int64_t>({3}, {1, 5, 9});
  crossed.AddInput<int64_t>(Shape{}, {7});
  crossed.AddInput<int64_t>(Shape{}, {3});
  ASSERT_TRUE(crossed.Run().ok());
  EXPECT_EQ(crossed.Output<int64_t>(0), std::vector<int64_t>({3, 3, 3}));
  KernelTester upper("Clip", 13);
  upper.AddInput<float>({3}, {-kInfinity, 5, kInfinity});
  upper.SkipInput();
  upper.AddInput<float>(Shape{}, {6});
  ASSERT_TRUE(upper.Run().ok());
  EXPECT_EQ(upper.Output<float>(0), std::vector<float>({-kInfinity, 5, 6}));
}

TEST(Clip, RefusesBoundsOfSeveralElements) {
  KernelTester tester("Clip", 13);
  tester.AddInput<float>({1}, {1});
  tester.AddInput<float>({2}, {0, 1});
  EXPECT_NE(tester.Run().message().find("scalar"), std::string::npos);
}

}  // namespace
}  // namespace mullion
