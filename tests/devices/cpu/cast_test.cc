// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/packed.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <typename From, typename To>
std::vector<To> Cast(std::vector<From> x) {
  KernelTester tester("Cast", 25);
  const Shape shape{static_cast<int64_t>(x.size())};
  tester.AddInput<From>(shape, std::move(x));
  tester.SetAttribute("to", static_cast<int64_t>(kElementTypeOf<To>));
  const Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status.message();
  return tester.Output<To>(0);
}

TEST(Cast, FloatToIntegers) {
  EXPECT_EQ((Cast<float, int32_t>({1.9f, -1.9f, kNaN, 3e9f, -kInfinity})),
            std::vector<int32_t>({1, -1, 0, std::numeric_limits<int32_t>::max(),
                                  std::numeric_limits<int32_t>::min()}));
  EXPECT_EQ((Cast<float, int64_t>({1e18f, 1e19f, -2.5f})),
            std::vector<int64_t>({999999984306749440, std::numeric_limits<int64_t>::max(), -2}));
  EXPECT_EQ((Cast<float, uint8_t>({255.9f, 256.0f, -1.0f})), std::vector<uint8_t>({255, 0, 255}));
  EXPECT_EQ((Cast<double, uint64_t>({1.8e19, 1e20, -1.0})),
            std::vector<uint64_t>({18000000000000000000u, std::numeric_limits<uint64_t>::max(),
                                   std::numeric_limits<uint64_t>::max()}));
  EXPECT_EQ((Cast<float, bool>({0.0f, -0.0f, 0.25f, kNaN})),
            std::vector<bool>({false, false, true, true}));
}

TEST(Cast, IntegersKeepTheirLowBits) {
  EXPECT_EQ((Cast<int16_t, int8_t>({200})), std::vector<int8_t>({-56}));
  EXPECT_EQ((Cast<int64_t, int32_t>({(int64_t{1} << 32) + 5})), std::vector<int32_t>({5}));
  EXPECT_EQ((Cast<int32_t, bool>({36, 0})), std::vector<bool>({true, false}));
  EXPECT_EQ((Cast<uint32_t, bool>({0x80000000u, 0, 256})), std::vector<bool>({true, false, true}));
  EXPECT_EQ((Cast<uint32_t, int16_t>({0x80018000u, 7})), std::vector<int16_t>({-32768, 7}));
  EXPECT_EQ((Cast<uint32_t, float>({0x80000000u})), std::vector<float>({2147483648.0f}));
  EXPECT_EQ((Cast<int32_t, uint64_t>({-2})), std::vector<uint64_t>({~uint64_t{1}}));
  EXPECT_EQ((Cast<int16_t, uint32_t>({-2, 5})), std::vector<uint32_t>({~1u, 5}));
  EXPECT_EQ((Cast<uint64_t, double>({std::numeric_limits<uint64_t>::max()})),
            std::vector<double>({18446744073709551615.0}));
}

TEST(Cast, DoubleToHalfRoundsOnce) {
  // Just above the middle between two halves: rounding to float first would make it the middle.
  const double above_middle = 1.0 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40);
  EXPECT_EQ((Cast<double, Float16>({above_middle}))[0].bits, 0x3c01);
  EXPECT_EQ((Cast<double, Float16>({1.0 + std::ldexp(1.0, -11)}))[0].bits, 0x3c00);
}

TEST(Cast, EveryPairOfTypesCarriesSmallNumbers) {
  const ElementType all[] = {ElementType::kFloat,        ElementType::kUint8,
                             ElementType::kInt8,         ElementType::kUint16,
                             ElementType::kInt16,        ElementType::kInt32,
                             ElementType::kInt64,        ElementType::kFloat16,
                             ElementType::kDouble,       ElementType::kUint32,
                             ElementType::kUint64,       ElementType::kBfloat16,
                             ElementType::kFloat8E4M3FN, ElementType::kFloat8E4M3FNUZ,
                             ElementType::kFloat8E5M2,   ElementType::kFloat8E5M2FNUZ,
                             ElementType::kUint4,        ElementType::kInt4,
                             ElementType::kFloat4E2M1,   ElementType::kFloat8E8M0,
                             ElementType::kUint2,        ElementType::kBool,
                             ElementType::kInt2};
  // 1 in every type, 601 times: more than a tile, and no multiple of a byte's worth.
  constexpr size_t kCount = 601;
  const std::vector<float> ones(kCount, 1.0f);
  for (const ElementType from : all) {
    std::vector<uint64_t> source(kCount);
    cpu::ConvertElements(ElementType::kFloat, ones.data(), from, source.data(), kCount);
    for (const ElementType to : all) {
      std::vector<uint64_t> middle(kCount);
      cpu::ConvertElements(from, source.data(), to, middle.data(), kCount);
      std::vector<float> back(kCount);
      cpu::ConvertElements(to, middle.data(), ElementType::kFloat, back.data(), kCount);
      EXPECT_EQ(back, ones) << ElementTypeName(from) << " to " << ElementTypeName(to);
    }
  }
}

TEST(Cast, HalfConversionsAgreeWithThePlainOnes) {
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    std::vector<Float16> halves(65536 + 3);
    for (size_t i = 0; i < halves.size(); ++i) {
      halves[i] = Float16::FromBits(static_cast<uint16_t>(i));
    }
    std::vector<float> wide(halves.size());
    cpu::WidenToFloat(halves.data(), wide.data(), halves.size());
    std::vector<Float16> back(halves.size());
    cpu::NarrowFromFloat(wide.data(), back.data(), wide.size());
    for (size_t i = 0; i < halves.size(); ++i) {
      const float expected = static_cast<float>(halves[i]);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(wide[i]) && std::isnan(static_cast<float>(back[i])));
      } else {
        ASSERT_EQ(wide[i], expected) << i << " on " << cpu::IsaName(isa);
        ASSERT_EQ(back[i].bits, halves[i].bits) << i << " on " << cpu::IsaName(isa);
      }
    }
    // Every 4099th float: roundings, overflows and subnormals of both half types.
    std::vector<float> floats;
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 4099) {
      floats.push_back(BitCast<float>(static_cast<uint32_t>(bits)));
    }
    std::vector<Float16> narrow(floats.size());
    std::vector<Bfloat16> brain(floats.size());
    cpu::NarrowFromFloat(floats.data(), narrow.data(), floats.size());
    cpu::NarrowFromFloat(floats.data(), brain.data(), floats.size());
    for (size_t i = 0; i < floats.size(); ++i) {
      ASSERT_EQ(narrow[i].bits, Float16(floats[i]).bits) << floats[i] << cpu::IsaName(isa);
      ASSERT_EQ(brain[i].bits, Bfloat16(floats[i]).bits) << floats[i] << cpu::IsaName(isa);
    }
  }
}

TEST(Cast, FromStrings) {
  EXPECT_EQ((Cast<std::string, float>({"3.14", " 1e-5 ", "+INF", "-inf", "1000", "1e99"})),
            std::vector<float>({3.14f, 1e-5f, kInfinity, -kInfinity, 1000, kInfinity}));
  EXPECT_TRUE(std::isnan(Cast<std::string, double>({"NaN"})[0]));
  EXPECT_EQ((Cast<std::string, int64_t>({"-9007199254740993", "100.5", "+7"})),
            std::vector<int64_t>({-9007199254740993, 100, 7}));
  EXPECT_EQ((Cast<std::string, bool>({"1", "0", "True"})), std::vector<bool>({true, false, true}));
}

// More than are converted at once.
TEST(Cast, FromManyStrings) {
  std::vector<std::string> texts;
  std::vector<int32_t> numbers;
  for (int32_t i = 0; i < 150; ++i) {
    numbers.push_back(i * i - 7000);
    texts.push_back(std::to_string(numbers.back()));
  }
  EXPECT_EQ((Cast<std::string, int32_t>(texts)), numbers);
}

TEST(Cast, ToStrings) {
  EXPECT_EQ((Cast<float, std::string>({0.1f, 1.0f, -kInfinity, kNaN, 0.9767611f})),
            std::vector<std::string>({"0.1", "1", "-INF", "NaN", "0.9767611"}));
  EXPECT_EQ((Cast<double, std::string>({0.1, 1.0 / 3})),
            std::vector<std::string>({"0.1", "0.3333333333333333"}));
  EXPECT_EQ((Cast<uint64_t, std::string>({18446744073709551615u})),
            std::vector<std::string>({"18446744073709551615"}));
  EXPECT_EQ((Cast<std::string, std::string>({"as it is"})), std::vector<std::string>({"as it is"}));
}

TEST(Cast, RefusesTextThatIsNoNumber) {
  KernelTester tester("Cast", 13);
  tester.AddInput<std::string>({2}, {"1", "Hello"});
  tester.SetAttribute("to", static_cast<int64_t>(ElementType::kFloat));
  const Status status = tester.Run();
  EXPECT_EQ(status.code(), StatusCode::kEvaluation);
  EXPECT_NE(status.message().find("element 1 of its input is 'Hello'"), std::string::npos);
}

TEST(Cast, TypeByNameInOpsetOne) {
  KernelTester tester("Cast", 1);
  tester.AddInput<float>({1}, {2.5f});
  tester.SetAttribute("to", std::string("INT64"));
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<int64_t>(0), std::vector<int64_t>({2}));
}

TEST(Cast, RefusesUnknownTypes) {
  KernelTester tester("Cast", 13);
  tester.AddInput<float>({1}, {2.5f});
  tester.SetAttribute("to", int64_t{99});
  EXPECT_NE(tester.Run().message().find("attribute 'to' is 99"), std::string::npos);
}

TEST(CastLike, TakesTheTypeOfItsSecondInput) {
  KernelTester tester("CastLike", 15);
  tester.AddInput<float>({2}, {2.5f, -1});
  tester.AddInput<int8_t>({1}, {0});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<int8_t>(0), std::vector<int8_t>({2, -1}));
}

TEST(BitCast, KeepsTheBits) {
  KernelTester tester("BitCast", 26);
  tester.AddInput<float>({1}, {1.0f});
  tester.SetAttribute("to", static_cast<int64_t>(ElementType::kUint32));
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<uint32_t>(0), std::vector<uint32_t>({0x3f800000u}));
  KernelTester wrong("BitCast", 26);
  wrong.AddInput<float>({1}, {1.0f});
  wrong.SetAttribute("to", static_cast<int64_t>(ElementType::kUint8));
  EXPECT_FALSE(wrong.Run().ok());
}

}  // namespace
}  // namespace mullion
