// SPDX-License-Identifier: MIT
// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/packed.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

// Half-way cases are frequent.
std::vector<float> Halves(int64_t count, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(Pick(-700, 700, random)) * 0.25f;
  return values;
}

float Quantized(float x, float scale, float zero, float low, float high) {
  return std::fmin(std::fmax(std::nearbyint(x / scale) + zero, low), high);
}

class EveryLevel : public testing::Test {
 protected:
  ~EveryLevel() override { SetIsaForTest(AvailableIsas().back()); }
};

using Quantize = EveryLevel;
using Dequantize = EveryLevel;

template <typename T>
void QuantizePerTensor(float low, float high, float zero) {
  std::mt19937 random(3);
  for (const int64_t count : {0, 1, 15, 16, 33, 5000, 70000}) {
    SCOPED_TRACE(count);
    std::vector<float> x = Halves(count, random);
    if (count > 2) x[2] = std::nanf("");
    KernelTester tester("QuantizeLinear", 21);
    tester.AddInput<float>({count}, x);
    tester.AddInput<float>({}, {0.5f});
    tester.AddInput<T>({}, {static_cast<T>(zero)});
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    const std::vector<T> y = tester.Output<T>(0);
    for (size_t i = 0; i < y.size(); ++i) {
      const float expected = std::isnan(x[i]) ? low : Quantized(x[i], 0.5f, zero, low, high);
      ASSERT_EQ(static_cast<float>(y[i]), expected) << "element " << i << ": " << x[i];
    }
  }
}

TEST_F(Quantize, PerTensorRoundsToEvenAndClamps) {
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    QuantizePerTensor<uint8_t>(0, 255, 100);
    QuantizePerTensor<int8_t>(-128, 127, -3);
    QuantizePerTensor<uint16_t>(0, 65535, 7);
    QuantizePerTensor<int16_t>(-32768, 32767, 0);
  }
}

// As a division does it, near and at the middle of two numbers, for scales of all sizes.
TEST_F(Quantize, RoundsTheQuotient) {
  std::mt19937 random(8);
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    for (int i = 0; i < 60; ++i) {
      const int exponent = static_cast<int>(Pick(-148, 127, random));
      const float scale =
          std::ldexp(1.0f + static_cast<float>(Pick(0, 1 << 23, random)) * 0x1p-23f, exponent);
      const int64_t zero = Pick(0, 255, random);
      std::vector<float> x(1000);
      for (float& value : x) {
        value = (static_cast<float>(Pick(-10, 520, random) - 2 * zero) * 0.5f) * scale;
        for (int64_t steps = Pick(0, 3, random); steps > 0; --steps) {
          value = std::nextafter(value, random() % 2 == 0 ? -1e38f : 1e38f);
        }
      }
      x[0] = std::numeric_limits<float>::infinity();
      x[1] = -x[0];
      KernelTester tester("QuantizeLinear", 21);
      tester.AddInput<float>({1000}, x);
      tester.AddInput<float>({}, {scale});
      tester.AddInput<uint8_t>({}, {static_cast<uint8_t>(zero)});
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<uint8_t> y = tester.Output<uint8_t>(0);
      for (size_t j = 0; j < y.size(); ++j) {
        const float expected =
            std::isnan(x[j] / scale) ? 0 : Quantized(x[j], scale, static_cast<float>(zero), 0, 255);
        ASSERT_EQ(static_cast<float>(y[j]), expected) << x[j] << " by " << scale;
      }
    }
  }
}

TEST_F(Quantize, PerAxisTakesEachScale) {
  std::mt19937 random(4);
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    for (const Shape& shape : {Shape{2, 3, 37}, Shape{5, 19}, Shape{3, 20, 2, 2}}) {
      const std::vector<float> x = Halves(shape.ElementCount(), random);
      std::vector<float> scales;
      std::vector<int8_t> zeros;
      for (int64_t i = 0; i < shape[1]; ++i) {
        scales.push_back(0.25f * static_cast<float>(1 << Pick(0, 3, random)));
        zeros.push_back(static_cast<int8_t>(Pick(-9, 9, random)));
      }
      KernelTester tester("QuantizeLinear", 13);
      tester.AddInput<float>(shape, x);
      tester.AddInput<float>({shape[1]}, scales);
      tester.AddInput<int8_t>({shape[1]}, zeros);
      const Status status = tester.Run();
      ASSERT_TRUE(status.ok()) << status.message();
      const std::vector<int8_t> y = tester.Output<int8_t>(0);
      const int64_t inner = shape.Product(2, shape.rank());
      for (size_t i = 0; i < y.size(); ++i) {
        const auto axis = static_cast<size_t>(static_cast<int64_t>(i) / inner % shape[1]);
        ASSERT_EQ(static_cast<float>(y[i]), Quantized(x[i], scales[axis], zeros[axis], -128, 127));
      }
    }
  }
}

TEST_F(Dequantize, UndoesBlocksOfInt4) {
  // Blocks of 3 along axis 1 of 8, the last one shorter; elements 8 to 15 begin mid-way in a row.
  std::mt19937 random(5);
  const Shape shape{3, 8, 5};
  const Shape scale_shape{3, 3, 5};
  std::vector<int8_t> q(static_cast<size_t>(shape.ElementCount()));
  for (int8_t& value : q) value = static_cast<int8_t>(Pick(-8, 7, random));
  Tensor packed = *Tensor::Allocate(ElementType::kInt4, shape);
  PackElements(ElementType::kInt4, q.data(), packed.mutable_data(), shape.ElementCount());
  std::vector<float> scales(static_cast<size_t>(scale_shape.ElementCount()));
  for (float& value : scales) value = 0.25f * static_cast<float>(Pick(1, 9, random));
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    KernelTester tester("DequantizeLinear", 21);
    tester.AddInput(packed);
    tester.AddInput<float>(scale_shape, scales);
    tester.SetAttribute("axis", int64_t{1});
    tester.SetAttribute("block_size", int64_t{3});
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    const std::vector<float> y = tester.Output<float>(0);
    for (int64_t i = 0; i < shape.ElementCount(); ++i) {
      const int64_t at = (i / 40 * 3 + i / 5 % 8 / 3) * 5 + i % 5;
      ASSERT_EQ(y[static_cast<size_t>(i)],
                static_cast<float>(q[static_cast<size_t>(i)]) * scales[static_cast<size_t>(at)]);
    }
  }
}

TEST_F(Dequantize, TakesInt32BiasesWithoutZeroPoint) {
  KernelTester tester("DequantizeLinear", 10);
  tester.AddInput<int32_t>({3}, {-100000, 0, 7});
  tester.AddInput<float>({}, {0.5f});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({-50000, 0, 3.5f}));
}

TEST(QuantizeLinear, NamesTheShapeOfScaleThatFits) {
  KernelTester tester("QuantizeLinear", 13);
  tester.AddInput<float>({2, 3}, {0, 0, 0, 0, 0, 0});
  tester.AddInput<float>({2}, {1, 1});
  const Status status = tester.Run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("on axis 1 it must have one element, or 3"), std::string::npos)
      << status.message();
}

TEST(QuantizeLinear, MicrosoftFormIsTheSame) {
  KernelTester tester("QuantizeLinear", 1, "com.microsoft");
  tester.AddInput<float>({3}, {-1, 0.5f, 300});
  tester.AddInput<float>({}, {1});
  tester.AddInput<int16_t>({}, {-5});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<int16_t>(0), std::vector<int16_t>({-6, -5, 295}));
}

TEST(DynamicQuantizeLinear, CoversTheRangeAndZero) {
  const auto run = [](std::vector<float> x) {
    KernelTester tester("DynamicQuantizeLinear", 11);
    tester.SetOutputCount(3);
    tester.AddInput<float>({static_cast<int64_t>(x.size())}, x);
    EXPECT_TRUE(tester.Run().ok());
    return std::make_tuple(tester.Output<uint8_t>(0), tester.Output<float>(1)[0],
                           tester.Output<uint8_t>(2)[0]);
  };
  const auto [y, scale, zero] = run({-51, 0, 204});
  EXPECT_EQ(y, std::vector<uint8_t>({0, 51, 255}));
  EXPECT_EQ(scale, 1.0f);
  EXPECT_EQ(zero, 51);
  // All positive: the range begins at zero.
  EXPECT_EQ(std::get<2>(run({2, 255})), 0);
  // No range at all, and no elements.
  EXPECT_EQ(std::get<0>(run({0, 0})), std::vector<uint8_t>({0, 0}));
  EXPECT_TRUE(std::get<0>(run({})).empty());
}

}  // namespace
}  // namespace mullion::cpu
