// SPDX-License-Identifier: MIT
#include "base/float8.h"

#include <array>
#include <cmath>
#include <limits>

namespace mullion {

namespace {

constexpr SmallFloatFormat kFormats[] = {
    {ElementType::kFloat8E4M3FN, 3, 7, 0x7e, 0x7f, 0x7f, 0x80, false},
    {ElementType::kFloat8E4M3FNUZ, 3, 8, 0x7f, 0x80, 0x80, 0x80, true},
    {ElementType::kFloat8E5M2, 2, 15, 0x7b, 0x7c, 0x7e, 0x80, false},
    {ElementType::kFloat8E5M2FNUZ, 2, 16, 0x7f, 0x80, 0x80, 0x80, true},
    {ElementType::kFloat4E2M1, 1, 1, 0x07, 0x07, 0x08, 0x08, false},
};

float ValueOf(const SmallFloatFormat& format, uint8_t code) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const bool negative = (code & format.sign) != 0;
  const int magnitude = code & (format.sign - 1);
  if (format.one_zero && negative && magnitude == 0) return kNaN;
  if (magnitude > format.largest) {
    if (format.overflow == format.nan || magnitude != format.overflow) return kNaN;
    const float infinity = std::numeric_limits<float>::infinity();
    return negative ? -infinity : infinity;
  }
  const int mantissa = magnitude & ((1 << format.mantissa_bits) - 1);
  const int exponent = magnitude >> format.mantissa_bits;
  // Subnormals have the smallest normal exponent and no hidden one.
  const int hidden = exponent == 0 ? 0 : 1 << format.mantissa_bits;
  const int power = (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits;
  const float value = static_cast<float>(hidden + mantissa) * PowerOfTwo(power);
  return negative ? -value : value;
}

using Values = std::array<float, 256>;

Values MakeValues(const SmallFloatFormat& format) {
  Values values{};
  for (int code = 0; code < 256; ++code) {
    values[static_cast<size_t>(code)] = ValueOf(format, static_cast<uint8_t>(code));
  }
  return values;
}

Values MakeScaleValues() {
  Values values{};
  for (int code = 0; code < 256; ++code) {
    values[static_cast<size_t>(code)] = ScaleToFloat(static_cast<uint8_t>(code));
  }
  return values;
}

}  // namespace

const SmallFloatFormat* SmallFloatFormatOf(ElementType type) {
  for (const SmallFloatFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

const float* SmallFloatValues(ElementType type) {
  static const std::array<Values, std::size(kFormats)> tables = [] {
    std::array<Values, std::size(kFormats)> made{};
    for (size_t i = 0; i < std::size(kFormats); ++i) made[i] = MakeValues(kFormats[i]);
    return made;
  }();
  static const Values scales = MakeScaleValues();
  if (type == ElementType::kFloat8E8M0) return scales.data();
  const SmallFloatFormat* const format = SmallFloatFormatOf(type);
  return format == nullptr ? nullptr : tables[static_cast<size_t>(format - kFormats)].data();
}

}  // namespace mullion
