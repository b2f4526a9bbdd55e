// SPDX-License-Identifier: MIT
#include "base/float8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/small_float.h"

namespace mullion {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr ElementType kRounded[] = {ElementType::kFloat8E4M3FN, ElementType::kFloat8E4M3FNUZ,
                                    ElementType::kFloat8E5M2, ElementType::kFloat8E5M2FNUZ,
                                    ElementType::kFloat4E2M1};

TEST(Float8, LargestAndSmallestValues) {
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E4M3FN)[0x7e], 448.0f);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E4M3FNUZ)[0x7f], 240.0f);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E5M2)[0x7b], 57344.0f);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E5M2)[0xfc], -kInfinity);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E5M2FNUZ)[0x7f], 57344.0f);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E4M3FN)[1], std::ldexp(1.0f, -9));
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E5M2FNUZ)[1], std::ldexp(1.0f, -17));
  EXPECT_TRUE(std::isnan(SmallFloatValues(ElementType::kFloat8E4M3FNUZ)[0x80]));
  EXPECT_TRUE(std::isnan(SmallFloatValues(ElementType::kFloat8E5M2)[0x7d]));
  const float fours[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(SmallFloatValues(ElementType::kFloat4E2M1)[i], fours[i]);
    EXPECT_EQ(SmallFloatValues(ElementType::kFloat4E2M1)[i + 8], -fours[i]);
  }
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat), nullptr);
}

TEST(Float8, EveryValueGivesItsOwnCode) {
  for (const ElementType type : kRounded) {
    const int codes = type == ElementType::kFloat4E2M1 ? 16 : 256;
    for (int code = 0; code < codes; ++code) {
      const float value = SmallFloatValues(type)[code];
      const uint8_t back = FloatToSmallFloat(*SmallFloatFormatOf(type), value, false);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(SmallFloatValues(type)[back]));
      } else {
        EXPECT_EQ(back, code) << ElementTypeName(type);
      }
    }
  }
}

TEST(Float8, MiddlesGoToTheEvenNeighbour) {
  for (const ElementType type : kRounded) {
    const float* const values = SmallFloatValues(type);
    const int last = type == ElementType::kFloat4E2M1 ? 7 : 0x7b;
    for (int code = 0; code < last; ++code) {
      const float middle = (values[code] + values[code + 1]) / 2;
      const int even = code % 2 == 0 ? code : code + 1;
      EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(type), middle, true), even)
          << ElementTypeName(type);
      EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(type), std::nextafter(middle, 0.0f), true),
                code);
      EXPECT_EQ(
          FloatToSmallFloat(*SmallFloatFormatOf(type), std::nextafter(middle, kInfinity), true),
          code + 1);
    }
  }
}

TEST(Float8, BeyondTheLargest) {
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FN), 1e6f, true), 0x7e);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FN), -kInfinity, true),
            0xfe);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FN), 1e6f, false), 0x7f);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FN), 464.0f, false),
            0x7e);  // rounds to 448
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E5M2), kInfinity, false),
            0x7c);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E5M2FNUZ), -1e9f, false),
            0x80);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FNUZ), -0.0f, true),
            0x00);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat8E4M3FNUZ), -1e-7f, true),
            0x00);
  EXPECT_EQ(FloatToSmallFloat(*SmallFloatFormatOf(ElementType::kFloat4E2M1), -9.0f, false), 0x0f);
}

TEST(Float8, ScalesArePowersOfTwo) {
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E8M0)[127], 1.0f);
  EXPECT_EQ(SmallFloatValues(ElementType::kFloat8E8M0)[0], std::ldexp(1.0f, -127));
  EXPECT_EQ(FloatToScale(1.0f, true, ScaleRounding::kUp), 127);
  EXPECT_EQ(FloatToScale(1.1f, true, ScaleRounding::kUp), 128);
  EXPECT_EQ(FloatToScale(1.1f, true, ScaleRounding::kDown), 127);
  EXPECT_EQ(FloatToScale(1.1f, true, ScaleRounding::kNearest), 127);
  EXPECT_EQ(FloatToScale(1.5f, true, ScaleRounding::kNearest), 128);
  EXPECT_EQ(FloatToScale(0.0f, true, ScaleRounding::kUp), 0);
  EXPECT_EQ(FloatToScale(0.0f, false, ScaleRounding::kNearest), 255);
  EXPECT_EQ(FloatToScale(kInfinity, true, ScaleRounding::kUp), 254);
  EXPECT_EQ(FloatToScale(kInfinity, false, ScaleRounding::kUp), 255);
  EXPECT_EQ(FloatToScale(3e38f, true, ScaleRounding::kUp), 254);
  EXPECT_EQ(FloatToScale(3e38f, false, ScaleRounding::kUp), 255);
  EXPECT_EQ(FloatToScale(kNaN, true, ScaleRounding::kUp), 255);
  EXPECT_EQ(FloatToScale(std::ldexp(1.25f, -127), true, ScaleRounding::kUp), 1);
}

}  // namespace
}  // namespace mullion
