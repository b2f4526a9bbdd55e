// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <limits>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion {
namespace {

Tensor Truths(const Shape& shape, std::initializer_list<bool> values) {
  return Tensor::FromSpan<bool>(shape, std::span(values.begin(), values.size()));
}

template <typename T>
std::vector<bool> Compare(const char* name, std::vector<T> a, std::vector<T> b) {
  KernelTester tester(name, 19);
  const Shape shape{static_cast<int64_t>(a.size())};
  tester.AddInput<T>(shape, std::move(a));
  tester.AddInput<T>(shape, std::move(b));
  const Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status.message();
  return tester.Output<bool>(0);
}

TEST(Comparison, OrdersNumbers) {
  using Truth = std::vector<bool>;
  EXPECT_EQ(Compare<int8_t>("Less", {-1, 2, 3}, {1, 2, 1}), Truth({true, false, false}));
  EXPECT_EQ(Compare<uint8_t>("Less", {255}, {1}), Truth({false}));
  EXPECT_EQ(Compare<int64_t>("Greater", {-1, 2, 3}, {1, 2, 1}), Truth({false, false, true}));
  EXPECT_EQ(Compare<float>("LessOrEqual", {-1, 2, 3}, {1, 2, 1}), Truth({true, true, false}));
  EXPECT_EQ(Compare<double>("GreaterOrEqual", {-1, 2, 3}, {1, 2, 1}), Truth({false, true, true}));
  EXPECT_EQ(Compare<uint32_t>("Equal", {1, 2}, {1, 3}), Truth({true, false}));
}

TEST(Comparison, NaNIsNeither) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* const name : {"Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"}) {
    EXPECT_EQ(Compare<float>(name, {nan}, {nan}), std::vector<bool>({false})) << name;
  }
}

template <typename T>
void CheckWide(const std::vector<T>& values, size_t count) {
  std::vector<T> a;
  std::vector<T> b;
  for (size_t i = 0; i < count; ++i) {
    a.push_back(values[i % values.size()]);
    b.push_back(values[i / values.size() % values.size()]);
  }
  const std::vector<bool> less = Compare<T>("Less", a, b);
  const std::vector<bool> greater = Compare<T>("Greater", a, b);
  const std::vector<bool> at_most = Compare<T>("LessOrEqual", a, b);
  const std::vector<bool> equal = Compare<T>("Equal", a, b);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(less[i], a[i] < b[i]) << i << " of " << count;
    EXPECT_EQ(greater[i], a[i] > b[i]) << i << " of " << count;
    EXPECT_EQ(at_most[i], a[i] <= b[i]) << i << " of " << count;
    EXPECT_EQ(equal[i], a[i] == b[i]) << i << " of " << count;
  }
}

TEST(Comparison, OfEightBytesAtEveryLevelAndLength) {
  using Double = std::numeric_limits<double>;
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    for (const size_t count : {1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 64, 301}) {
      CheckWide<double>({0.0, -0.0, 1.5, -Double::infinity(), Double::quiet_NaN(), Double::max(),
                         Double::denorm_min()},
                        count);
      CheckWide<int64_t>({0, -1, 1, std::numeric_limits<int64_t>::min(),
                          std::numeric_limits<int64_t>::max(), int64_t{1} << 32},
                         count);
      CheckWide<uint64_t>({0, 1, uint64_t{1} << 63, (uint64_t{1} << 63) - 1, ~uint64_t{0}, 5},
                          count);
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

TEST(Comparison, ZerosOfHalfTypesAreEqual) {
  EXPECT_EQ(
      Compare<Float16>("Equal", {Float16(0.0f), Float16(1.0f)}, {Float16(-0.0f), Float16(1.5f)}),
      std::vector<bool>({true, false}));
}

TEST(Comparison, OfManyAgainstOne) {
  for (const bool first : {false, true}) {
    KernelTester tester("Greater", 13);
    std::vector<float> x(3000, 1.0f);
    x[2999] = 3.0f;
    if (first) tester.AddInput<float>(Shape{}, {2});
    tester.AddInput<float>({3, 1000}, x);
    if (!first) tester.AddInput<float>(Shape{}, {2});
    ASSERT_TRUE(tester.Run().ok());
    EXPECT_EQ(tester.Output<bool>(0)[0], first);
    EXPECT_EQ(tester.Output<bool>(0)[2999], !first);
  }
}

TEST(Comparison, LongRowsOfEveryWidth) {
  const auto expect = [](auto zero) {
    using T = decltype(zero);
    std::vector<T> x(4999);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i % 101);
    for (const bool first : {false, true}) {
      KernelTester tester("Less", 13);
      if (first) tester.AddInput<T>(Shape{}, {50});
      tester.AddInput<T>({4999}, x);
      if (!first) tester.AddInput<T>(Shape{}, {50});
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<bool> y = tester.Output<bool>(0);
      for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], first ? 50 < x[i] : x[i] < 50) << i;
    }
  };
  expect(int8_t{0});
  expect(uint16_t{0});
  expect(int64_t{0});
  expect(0.0f);
}

TEST(Equal, OnStringsAndTruths) {
  KernelTester strings("Equal", 19);
  strings.AddInput<std::string>({2, 1}, {"a", "b"});
  strings.AddInput<std::string>({2}, {"a", "longer than what fits in place"});
  ASSERT_TRUE(strings.Run().ok());
  EXPECT_EQ(strings.OutputShape(0), Shape({2, 2}));
  EXPECT_EQ(strings.Output<bool>(0), std::vector<bool>({true, false, false, false}));
  KernelTester truths("Equal", 7);
  truths.AddInput(Truths({2}, {true, false}));
  truths.AddInput(Truths({2}, {true, true}));
  ASSERT_TRUE(truths.Run().ok());
  EXPECT_EQ(truths.Output<bool>(0), std::vector<bool>({true, false}));
}

TEST(Logical, TruthTables) {
  const auto run = [](const char* name) {
    KernelTester tester(name, 7);
    tester.AddInput(Truths({2, 1}, {false, true}));
    tester.AddInput(Truths({2}, {false, true}));
    EXPECT_TRUE(tester.Run().ok());
    return tester.Output<bool>(0);
  };
  EXPECT_EQ(run("And"), std::vector<bool>({false, false, false, true}));
  EXPECT_EQ(run("Or"), std::vector<bool>({false, true, true, true}));
  EXPECT_EQ(run("Xor"), std::vector<bool>({false, true, true, false}));
}

TEST(Bitwise, OnIntegers) {
  const auto run = [](const char* name) {
    KernelTester tester(name, 18);
    tester.AddInput<int32_t>({2}, {12, -1});
    tester.AddInput<int32_t>({2}, {10, 255});
    EXPECT_TRUE(tester.Run().ok());
    return tester.Output<int32_t>(0);
  };
  EXPECT_EQ(run("BitwiseAnd"), std::vector<int32_t>({8, 255}));
  EXPECT_EQ(run("BitwiseOr"), std::vector<int32_t>({14, -1}));
  EXPECT_EQ(run("BitwiseXor"), std::vector<int32_t>({6, -256}));
}

TEST(Bitwise, LongRowsAgainstOne) {
  std::vector<uint8_t> x(4999);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i);
  KernelTester tester("BitwiseXor", 18);
  tester.AddInput<uint8_t>(Shape{}, {0x5a});
  tester.AddInput<uint8_t>({4999}, x);
  ASSERT_TRUE(tester.Run().ok());
  const std::vector<uint8_t> y = tester.Output<uint8_t>(0);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], x[i] ^ 0x5a) << i;
}

TEST(BitShift, ByTheWidthOrMoreGivesZero) {
  KernelTester left("BitShift", 11);
  left.AddInput<uint8_t>({4}, {1, 200, 1, 1});
  left.AddInput<uint8_t>({4}, {3, 1, 8, 255});
  left.SetAttribute("direction", std::string("LEFT"));
  ASSERT_TRUE(left.Run().ok());
  EXPECT_EQ(left.Output<uint8_t>(0), std::vector<uint8_t>({8, 144, 0, 0}));
  KernelTester right("BitShift", 11);
  right.AddInput<uint64_t>({2}, {uint64_t{1} << 63, 5});
  right.AddInput<uint64_t>({2}, {63, 64});
  right.SetAttribute("direction", std::string("RIGHT"));
  ASSERT_TRUE(right.Run().ok());
  EXPECT_EQ(right.Output<uint64_t>(0), std::vector<uint64_t>({1, 0}));
}

TEST(BitShift, NeedsItsDirection) {
  KernelTester tester("BitShift", 11);
  tester.AddInput<uint8_t>({1}, {1});
  tester.AddInput<uint8_t>({1}, {1});
  EXPECT_NE(tester.Run().message().find("direction"), std::string::npos);
}

TEST(Where, EveryElementSizeAndShape) {
  KernelTester tester("Where", 16);
  tester.AddInput(Truths({2, 1}, {true, false}));
  tester.AddInput<int64_t>({3}, {1, 2, 3});
  tester.AddInput<int64_t>(Shape{}, {-7});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<int64_t>(0), std::vector<int64_t>({1, 2, 3, -7, -7, -7}));

  KernelTester strings("Where", 16);
  strings.AddInput(Truths({2}, {true, false}));
  strings.AddInput<std::string>(Shape{}, {"yes"});
  strings.AddInput<std::string>({2}, {"no", "never"});
  ASSERT_TRUE(strings.Run().ok());
  EXPECT_EQ(strings.Output<std::string>(0), std::vector<std::string>({"yes", "never"}));

  KernelTester complex("Where", 16);
  complex.AddInput(Truths({2}, {true, false}));
  complex.AddInput<std::complex<double>>({2}, {{1, 2}, {3, 4}});
  complex.AddInput<std::complex<double>>({1}, {{5, 6}});
  ASSERT_TRUE(complex.Run().ok());
  EXPECT_EQ(complex.Output<std::complex<double>>(0)[1], std::complex<double>(5, 6));
}

TEST(Where, LongRowsWithEachOperandRepeated) {
  constexpr int64_t kLength = 600;
  const auto row = [](float first) {
    std::vector<float> values(kLength);
    for (size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i);
    return values;
  };
  std::vector<uint8_t> truth(kLength);
  for (size_t i = 0; i < truth.size(); ++i) truth[i] = i % 3 == 0;
  // With all three repeated there would be no long row.
  for (int repeated = 0; repeated < 7; ++repeated) {
    const bool one_condition = (repeated & 1) != 0;
    const bool one_x = (repeated & 2) != 0;
    const bool one_y = (repeated & 4) != 0;
    KernelTester tester("Where", 16);
    Tensor condition =
        *Tensor::Allocate(ElementType::kBool, one_condition ? Shape{2, 1} : Shape{1, kLength});
    for (int64_t i = 0; i < condition.count(); ++i) {
      static_cast<uint8_t*>(condition.mutable_data())[i] = truth[static_cast<size_t>(i)];
    }
    tester.AddInput(condition);
    tester.AddInput<float>(one_x ? Shape{1} : Shape{kLength},
                           one_x ? std::vector<float>{5} : row(0));
    tester.AddInput<float>(one_y ? Shape{2, 1} : Shape{kLength},
                           one_y ? std::vector<float>{-1, -2} : row(10000));
    ASSERT_TRUE(tester.Run().ok());
    const Shape shape = tester.OutputShape(0);
    const std::vector<float> out = tester.Output<float>(0);
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t at = shape.rank() == 2 ? i % kLength : i;
      const size_t outer = i / kLength;
      const bool first = truth[one_condition ? outer : at] != 0;
      const float x = one_x ? 5.0f : static_cast<float>(at);
      const float y = one_y ? (outer == 0 ? -1.0f : -2.0f) : 10000.0f + static_cast<float>(at);
      ASSERT_EQ(out[i], first ? x : y) << repeated << " at " << i;
    }
  }
}

}  // namespace
}  // namespace mullion
