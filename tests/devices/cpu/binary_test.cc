// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// 0, 1, 2, ... in the given shape.
std::vector<float> Counting(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

// What numpy's rules give: the element of `shape` that belongs to element `i` of `output`.
int64_t SourceOf(const Shape& shape, const Shape& output, int64_t i) {
  int64_t source = 0;
  int64_t stride = 1;
  for (int back = 0; back < output.rank(); ++back) {
    const int64_t at = i % output.Back(back);
    i /= output.Back(back);
    if (back >= shape.rank()) continue;
    if (shape.Back(back) != 1) source += at * stride;
    stride *= shape.Back(back);
  }
  return source;
}

void ExpectBroadcastSum(const Shape& a, const Shape& b) {
  KernelTester tester("Add", 14);
  std::vector<float> y = Counting(b);
  for (float& v : y) v *= 1000.0f;
  tester.AddInput<float>(a, Counting(a));
  tester.AddInput<float>(b, y);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  const Shape output = *BroadcastShapes(a, b);
  EXPECT_EQ(tester.OutputShape(0), output);
  const std::vector<float> sum = tester.Output<float>(0);
  for (int64_t i = 0; i < output.ElementCount(); ++i) {
    const float expected = static_cast<float>(SourceOf(a, output, i)) +
                           1000.0f * static_cast<float>(SourceOf(b, output, i));
    ASSERT_EQ(sum[static_cast<size_t>(i)], expected)
        << a.ToString() << " + " << b.ToString() << " at " << i;
  }
}

TEST(Broadcast, EveryWayThatShapesCanMeet) {
  ExpectBroadcastSum({2, 3}, {2, 3});
  ExpectBroadcastSum({2, 3}, {});
  ExpectBroadcastSum({}, {});
  ExpectBroadcastSum({1, 1}, {1});
  ExpectBroadcastSum({7, 5, 3}, {3});        // short rows, repeated
  ExpectBroadcastSum({7, 5, 3}, {5, 1});     // short rows of one element each
  ExpectBroadcastSum({7, 1, 3}, {1, 5, 1});  // both are repeated
  ExpectBroadcastSum({40, 30}, {40, 1});     // runs below the tile
  ExpectBroadcastSum({3, 700}, {3, 1});      // long runs of one element
  ExpectBroadcastSum({3, 700}, {700});       // long runs, repeated
  ExpectBroadcastSum({2, 3, 300}, {2, 1, 300});
  ExpectBroadcastSum({1, 6, 20, 20}, {6, 1, 1});  // a bias for each channel
  ExpectBroadcastSum({5, 1}, {1, 5});
  ExpectBroadcastSum({2, 1, 2, 1, 2, 1, 2}, {1, 3, 1, 3, 1, 3, 1});
  ExpectBroadcastSum({0, 3}, {1, 3});
  ExpectBroadcastSum({200, 1, 7}, {1, 100, 1});  // many tiles and chunks
}

TEST(Broadcast, RefusesShapesThatDoNotFit) {
  KernelTester tester("Mul", 14);
  tester.AddInput<float>({2, 3}, Counting({2, 3}));
  tester.AddInput<float>({2}, {1, 2});
  const Status status = tester.Run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("do not broadcast"), std::string::npos) << status.message();
}

TEST(Broadcast, ByTheAxisOfOpsetSix) {
  for (const bool constant : {true}) {
    KernelTester tester("Add", 6);
    tester.AddInput<float>({2, 3, 2}, Counting({2, 3, 2}));
    tester.AddInput<float>({3}, {100, 200, 300}, constant);
    tester.SetAttribute("broadcast", int64_t{1});
    tester.SetAttribute("axis", int64_t{1});
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(tester.Output<float>(0),
              std::vector<float>({100, 101, 202, 203, 304, 305, 106, 107, 208, 209, 310, 311}));
  }
}

class BinaryOnEveryIsa : public testing::TestWithParam<cpu::Isa> {
 protected:
  void SetUp() override { cpu::SetIsaForTest(GetParam()); }
  void TearDown() override { cpu::SetIsaForTest(cpu::AvailableIsas().back()); }
};

TEST_P(BinaryOnEveryIsa, NaNOfEitherOperandWins) {
  for (const char* const name : {"Min", "Max"}) {
    KernelTester tester(name, 13);
    tester.AddInput<float>({3}, {kNaN, 1, 2});
    tester.AddInput<float>({3}, {1, kNaN, 3});
    ASSERT_TRUE(tester.Run().ok());
    const std::vector<float> y = tester.Output<float>(0);
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1])) << name;
    EXPECT_EQ(y[2], name == std::string("Min") ? 2 : 3);
  }
}

TEST_P(BinaryOnEveryIsa, EveryOperationWithAScalarOnEitherSide) {
  struct Case {
    const char* name;
    float (*expected)(float, float);
  };
  const Case cases[] = {
      {"Add", [](float a, float b) { return a + b; }},
      {"Sub", [](float a, float b) { return a - b; }},
      {"Mul", [](float a, float b) { return a * b; }},
      {"Div", [](float a, float b) { return a / b; }},
  };
  const Shape row{37};
  for (const Case& c : cases) {
    for (const bool scalar_first : {false, true}) {
      KernelTester tester(c.name, 14);
      std::vector<float> x = Counting(row);
      for (float& v : x) v += 0.5f;
      if (scalar_first) tester.AddInput<float>(Shape{}, {3});
      tester.AddInput<float>(row, x);
      if (!scalar_first) tester.AddInput<float>(Shape{}, {3});
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<float> y = tester.Output<float>(0);
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(y[i], scalar_first ? c.expected(3, x[i]) : c.expected(x[i], 3)) << c.name;
      }
    }
  }
}

TEST_P(BinaryOnEveryIsa, PowersByAConstant) {
  for (const float exponent : {2.0f, 3.0f, 0.5f, -0.5f, -1.0f, 0.0f, 8.0f, 2.7f}) {
    KernelTester tester("Pow", 15);
    tester.AddInput<float>({19}, std::vector<float>(19, 1.7f));
    tester.AddInput<float>(Shape{}, {exponent});
    ASSERT_TRUE(tester.Run().ok());
    for (const float y : tester.Output<float>(0)) {
      EXPECT_NEAR(y, std::pow(1.7, exponent), 1e-6 * std::pow(1.7, exponent));
    }
  }
}

// Every number with every exponent: as the standard library in double, rounded.
TEST_P(BinaryOnEveryIsa, PowersOfFloats) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> numbers = {0.0f,   -0.0f,  1.0f,      -1.0f,    infinity, -infinity, nan,
                                1e-40f, 1e-45f, 3.4e38f,   1e-30f,   0.5f,     2.0f,      -2.0f,
                                3.0f,   -3.0f,  0.999999f, 1.00001f, 127.5f,   -0.5f,     9.0f};
  for (int i = 0; i < 200; ++i) numbers.push_back(std::ldexp(1.37f, i / 2 - 50) + 0.01f);
  const auto expect = [](float x, float exponent, float y) {
    const auto exact =
        static_cast<float>(std::pow(static_cast<double>(x), static_cast<double>(exponent)));
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(y)) << x << " to " << exponent;
    } else {
      EXPECT_FLOAT_EQ(y, exact) << x << " to " << exponent;
      EXPECT_EQ(std::signbit(y), std::signbit(exact)) << x << " to " << exponent;
    }
  };
  const Shape row{static_cast<int64_t>(numbers.size())};
  for (size_t i = 0; i < numbers.size(); ++i) {
    // A constant exponent that few products give is another way, see above.
    const bool few = numbers[i] == std::floor(numbers[i]) && std::abs(numbers[i]) <= 8;
    for (const bool one_exponent : {false, true}) {
      if (one_exponent && few) continue;
      KernelTester tester("Pow", 15);
      if (one_exponent) tester.AddInput<float>(row, numbers);
      tester.AddInput<float>(Shape{}, {numbers[i]});
      if (!one_exponent) tester.AddInput<float>(row, numbers);
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<float> y = tester.Output<float>(0);
      for (size_t k = 0; k < y.size(); ++k) {
        one_exponent ? expect(numbers[k], numbers[i], y[k]) : expect(numbers[i], numbers[k], y[k]);
      }
    }
  }
  // Both of many elements.
  std::vector<float> turned(numbers.rbegin(), numbers.rend());
  KernelTester tester("Pow", 15);
  tester.AddInput<float>(row, numbers);
  tester.AddInput<float>(row, turned);
  ASSERT_TRUE(tester.Run().ok());
  for (size_t k = 0; k < turned.size(); ++k) {
    expect(numbers[k], turned[k], tester.Output<float>(0)[k]);
  }
}

INSTANTIATE_TEST_SUITE_P(Binary, BinaryOnEveryIsa, testing::ValuesIn(cpu::AvailableIsas()),
                         [](const auto& test) { return std::string(cpu::IsaName(test.param)); });

template <typename T>
std::vector<T> RunIntegers(const char* name, std::vector<T> a, std::vector<T> b, int64_t fmod = 0) {
  KernelTester tester(name, 14);
  const Shape shape{static_cast<int64_t>(a.size())};
  tester.AddInput<T>(shape, std::move(a));
  tester.AddInput<T>(shape, std::move(b));
  if (fmod != 0) tester.SetAttribute("fmod", fmod);
  const Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status.message();
  return tester.Output<T>(0);
}

TEST(Integers, DividingByZeroGivesZero) {
  constexpr int32_t kSmallest = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(RunIntegers<int32_t>("Div", {7, -7, 5, kSmallest}, {2, 2, 0, -1}),
            std::vector<int32_t>({3, -3, 0, kSmallest}));
  EXPECT_EQ(RunIntegers<int32_t>("Mod", {7, -7, 5, kSmallest}, {-3, 3, 0, -1}),
            std::vector<int32_t>({-2, 2, 0, 0}));
  EXPECT_EQ(RunIntegers<int64_t>("Mod", {7, -7, 5}, {-3, 3, 0}, 1),
            std::vector<int64_t>({1, -1, 0}));
}

TEST(Integers, SumsAndProductsWrap) {
  EXPECT_EQ(RunIntegers<int8_t>("Add", {127, -128}, {1, -1}), std::vector<int8_t>({-128, 127}));
  EXPECT_EQ(RunIntegers<uint16_t>("Mul", {65535}, {65535}), std::vector<uint16_t>({1}));
  EXPECT_EQ(RunIntegers<uint64_t>("Sub", {0}, {1}),
            std::vector<uint64_t>({std::numeric_limits<uint64_t>::max()}));
}

// Rows longer than what a repeated operand is written out to, and of lengths around a vector's.
template <typename T>
void ExpectLongSums() {
  for (const size_t count : {size_t{31}, size_t{33}, size_t{5000}}) {
    std::vector<T> row(count);
    for (size_t i = 0; i < count; ++i) row[i] = static_cast<T>(i * 7 % 100);
    for (const int one : {0, 1, 2}) {  // the operand that is repeated, counted from 1
      KernelTester tester("Sub", 14);
      tester.AddInput<T>(one == 1 ? Shape{} : Shape{static_cast<int64_t>(count)},
                         one == 1 ? std::vector<T>{9} : row);
      tester.AddInput<T>(one == 2 ? Shape{} : Shape{static_cast<int64_t>(count)},
                         one == 2 ? std::vector<T>{5} : std::vector<T>(row.rbegin(), row.rend()));
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<T> y = tester.Output<T>(0);
      for (size_t i = 0; i < count; ++i) {
        const T a = one == 1 ? T{9} : row[i];
        const T b = one == 2 ? T{5} : row[count - 1 - i];
        ASSERT_EQ(y[i], static_cast<T>(a - b)) << one << " at " << i << " of " << count;
      }
    }
  }
}

TEST(Integers, LongRowsOfEveryWidth) {
  ExpectLongSums<int8_t>();
  ExpectLongSums<uint16_t>();
  ExpectLongSums<int32_t>();
  ExpectLongSums<uint64_t>();
  ExpectLongSums<double>();
}

TEST(Mod, RemaindersOfFloatsAreExact) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> exponent(-40.0f, 40.0f);
  const auto any = [&] { return std::exp2(exponent(random)) * (random() % 2 ? 1.0f : -1.0f); };
  std::vector<float> a = {5, -5, 0, -0.0f, kNaN, 1, 3e38f, INFINITY, 1e-44f, 7, 3e-39f};
  std::vector<float> b = {0, 3, 1, 2, 1, kNaN, 1e-45f, 2, 3e-39f, INFINITY, 1e-44f};
  for (int i = 0; i < 1000; ++i) {
    b.push_back(any());
    // Whole multiples, and what lies just beside them, as well as anything.
    const float multiple = b.back() * static_cast<float>(random() % 4000000);
    a.push_back(i % 3 == 0 ? any() : i % 3 == 1 ? multiple : std::nextafter(multiple, 0.0f));
  }
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    KernelTester tester("Mod", 13);
    tester.SetAttribute("fmod", int64_t{1});
    const Shape shape = {static_cast<int64_t>(a.size())};
    tester.AddInput<float>(shape, a);
    tester.AddInput<float>(shape, b);
    ASSERT_TRUE(tester.Run().ok());
    const std::vector<float> y = tester.Output<float>(0);
    for (size_t i = 0; i < a.size(); ++i) {
      const float exact = std::fmod(a[i], b[i]);
      if (std::isnan(exact)) {
        EXPECT_TRUE(std::isnan(y[i])) << a[i] << " by " << b[i];
      } else {
        EXPECT_EQ(y[i], exact) << a[i] << " by " << b[i];
        EXPECT_EQ(std::signbit(y[i]), std::signbit(exact)) << a[i] << " by " << b[i];
      }
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

TEST(Mod, FloatsNeedFmod) {
  KernelTester tester("Mod", 13);
  tester.AddInput<float>({2}, {5.3f, -5.3f});
  tester.AddInput<float>({2}, {2, 2});
  EXPECT_NE(tester.Run().message().find("fmod"), std::string::npos);
  tester.SetAttribute("fmod", int64_t{1});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_NEAR(tester.Output<float>(0)[1], -1.3f, 1e-6);
}

TEST(Pow, MixesTypes) {
  KernelTester integers("Pow", 15);
  integers.AddInput<int32_t>({5}, {2, -3, 7, 0, -1});
  integers.AddInput<int64_t>({5}, {10, 3, -1, -2, -3});
  ASSERT_TRUE(integers.Run().ok());
  EXPECT_EQ(integers.Output<int32_t>(0), std::vector<int32_t>({1024, -27, 0, 0, -1}));
  KernelTester real_exponent("Pow", 15);
  real_exponent.AddInput<int32_t>({2}, {4, 9});
  real_exponent.AddInput<float>(Shape{}, {0.5f});
  ASSERT_TRUE(real_exponent.Run().ok());
  EXPECT_EQ(real_exponent.Output<int32_t>(0), std::vector<int32_t>({2, 3}));
  KernelTester integer_exponent("Pow", 15);
  integer_exponent.AddInput<Float16>({2}, {Float16(3), Float16(0.5f)});
  integer_exponent.AddInput<uint8_t>({2}, {2, 1});
  ASSERT_TRUE(integer_exponent.Run().ok());
  EXPECT_EQ(static_cast<float>(integer_exponent.Output<Float16>(0)[0]), 9.0f);
}

// Small exponents and large ones, which wrap, and negative ones among them or not.
template <typename T, typename E>
void CheckIntegerPowers(bool negative) {
  std::mt19937_64 random(5);
  for (const size_t n : {1, 7, 511, 513, 1500}) {
    for (const int one : {0, 1, 2}) {  // operand of a single element
      std::vector<T> x(one == 1 ? 1 : n);
      std::vector<E> e(one == 2 ? 1 : n);
      for (T& v : x) v = static_cast<T>(static_cast<int64_t>(random() % 23) - 9);
      for (E& v : e) v = static_cast<E>(random() >> (64 - (1 + random() % (sizeof(E) * 8 - 1))));
      if (negative) e.back() = static_cast<E>(-static_cast<int>(random() % 5));
      std::vector<T> expected;
      for (size_t i = 0; i < n; ++i) {
        const T base = x[one == 1 ? 0 : i];
        E left = e[one == 2 ? 0 : i];
        if (left < 0) {
          const bool unit = base == static_cast<T>(-1) && std::is_signed_v<T>;
          expected.push_back(unit ? static_cast<T>(left % 2 == 0 ? 1 : -1) : T{base == 1});
          continue;
        }
        uint64_t power = 1;
        for (auto square = static_cast<uint64_t>(base); left != 0; left /= 2, square *= square) {
          if (left % 2 != 0) power *= square;
        }
        expected.push_back(static_cast<T>(power));
      }
      KernelTester tester("Pow", 15);
      tester.AddInput<T>({static_cast<int64_t>(x.size())}, x);
      tester.AddInput<E>({static_cast<int64_t>(e.size())}, e);
      ASSERT_TRUE(tester.Run().ok());
      ASSERT_EQ(tester.Output<T>(0), expected);
    }
  }
}

TEST_P(BinaryOnEveryIsa, PowersOfIntegers) {
  for (const bool negative : {false, true}) {
    CheckIntegerPowers<int64_t, int64_t>(negative);
    CheckIntegerPowers<int32_t, int32_t>(negative);
    CheckIntegerPowers<int32_t, int64_t>(negative);
    CheckIntegerPowers<int8_t, int16_t>(negative);
    CheckIntegerPowers<uint8_t, int64_t>(negative);
  }
  CheckIntegerPowers<uint64_t, uint8_t>(false);
}

template <typename T, typename E>
void CheckFewFactors(E exponent) {
  for (const int64_t n : {1, 511, 513, 5000}) {
    std::vector<T> x, expected;
    for (int64_t i = 0; i < n; ++i) {
      x.push_back(static_cast<T>(i % 2003 - 700));
      // Integers wrap.
      const auto wide =
          static_cast<std::conditional_t<std::is_integral_v<T>, uint64_t, T>>(x.back());
      expected.push_back(static_cast<T>(exponent == 3 ? wide * wide * wide : wide * wide));
    }
    KernelTester tester("Pow", 15);
    tester.AddInput<T>({n}, x);
    tester.AddInput<E>(Shape{}, {exponent});
    ASSERT_TRUE(tester.Run().ok());
    EXPECT_EQ(tester.Output<T>(0), expected);
  }
}

TEST_P(BinaryOnEveryIsa, SquaresAndCubes) {
  for (const int power : {2, 3}) {
    CheckFewFactors<double>(static_cast<double>(power));
    CheckFewFactors<double>(static_cast<float>(power));
    CheckFewFactors<double>(static_cast<int32_t>(power));
    CheckFewFactors<int32_t>(static_cast<int32_t>(power));
    CheckFewFactors<int32_t>(static_cast<int64_t>(power));
    CheckFewFactors<int64_t>(static_cast<int64_t>(power));
    CheckFewFactors<uint8_t>(static_cast<uint8_t>(power));
  }
}

TEST(Variadic, AnyNumberOfOperands) {
  KernelTester one("Max", 13);
  one.AddInput<int16_t>({2}, {1, 2});
  ASSERT_TRUE(one.Run().ok());
  EXPECT_EQ(one.Output<int16_t>(0), std::vector<int16_t>({1, 2}));
  // The first two are scalars beside a third that is not: their sum stays one element.
  KernelTester mean("Mean", 13);
  mean.AddInput<float>(Shape{}, {1});
  mean.AddInput<float>({1}, {2});
  mean.AddInput<float>({2, 300}, std::vector<float>(600, 6));
  mean.AddInput<float>({2, 1}, {3, 7});
  const Status status = mean.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(mean.Output<float>(0)[0], 3.0f);
  EXPECT_EQ(mean.Output<float>(0)[599], 4.0f);
  KernelTester many("Sum", 13);
  for (int i = 0; i < 11; ++i) many.AddInput<float>({3}, {1, 2, static_cast<float>(i)});
  ASSERT_TRUE(many.Run().ok());
  EXPECT_EQ(many.Output<float>(0), std::vector<float>({11, 22, 55}));
}

TEST(PRelu, SlopeOfEachChannelInOpsetSix) {
  KernelTester tester("PRelu", 6);
  tester.AddInput<float>({1, 2, 2}, {-1, 2, -3, -4});
  tester.AddInput<float>({2}, {10, 100}, true);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({-10, 2, -300, -400}));
}

TEST(PRelu, SlopeMayNotBeLarger) {
  KernelTester tester("PRelu", 16);
  tester.AddInput<float>({1, 2}, {-1, 2});
  tester.AddInput<float>({3, 2}, Counting({3, 2}));
  EXPECT_FALSE(tester.Run().ok());
}

TEST(SwiGlu, GatesTheSecondOperand) {
  KernelTester tester("SwiGLU", 28);
  tester.AddInput<double>({2}, {0.0, 2.0});
  tester.AddInput<double>({2}, {5.0, 3.0});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<double>(0)[0], 0.0);
  EXPECT_NEAR(tester.Output<double>(0)[1], 6.0 / (1 + std::exp(-2.0)), 1e-12);
}

TEST(SwiGlu, OfDoublesIsTheSameAtEveryLevel) {
  std::vector<double> gates;
  for (int i = 0; i < 1001; ++i) gates.push_back(0.05 * (i - 500));
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    KernelTester tester("SwiGLU", 28);
    tester.AddInput<double>({1001}, gates);
    tester.AddInput<double>({1001}, std::vector<double>(gates.size(), 3.0));
    tester.SetAttribute("alpha", 1.5f);
    ASSERT_TRUE(tester.Run().ok());
    for (size_t i = 0; i < gates.size(); ++i) {
      const double expected = 3.0 * gates[i] / (1 + std::exp(-1.5 * gates[i]));
      EXPECT_NEAR(tester.Output<double>(0)[i], expected, 1e-14 * std::abs(expected)) << i;
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

TEST(Half, ArithmeticRoundsOnce) {
  KernelTester tester("Add", 14);
  tester.AddInput<Bfloat16>({2}, {Bfloat16(1.0f), Bfloat16(256.0f)});
  tester.AddInput<Bfloat16>(Shape{}, {Bfloat16(1.0f)});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(static_cast<float>(tester.Output<Bfloat16>(0)[0]), 2.0f);
  EXPECT_EQ(static_cast<float>(tester.Output<Bfloat16>(0)[1]), 256.0f);  // 257 is halfway to 258
}

}  // namespace
}  // namespace mullion
