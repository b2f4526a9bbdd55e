// SPDX-License-Identifier: MIT
#include "base/float8.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/small_float.h"

namespace mullion {

namespace {

struct Format {
  ElementType type;
  int mantissa_bits;
  int bias;
  uint8_t largest;   // code of the largest finite value
  uint8_t overflow;  // code of what is larger when not saturating: infinity or NaN
  uint8_t nan;
  uint8_t sign;   // the sign bit
  bool one_zero;  // -0 is NaN, so NaN has no sign either
};

constexpr Format kFormats[] = {
    {ElementType::kFloat8E4M3FN, 3, 7, 0x7e, 0x7f, 0x7f, 0x80, false},
    {ElementType::kFloat8E4M3FNUZ, 3, 8, 0x7f, 0x80, 0x80, 0x80, true},
    {ElementType::kFloat8E5M2, 2, 15, 0x7b, 0x7c, 0x7e, 0x80, false},
    {ElementType::kFloat8E5M2FNUZ, 2, 16, 0x7f, 0x80, 0x80, 0x80, true},
    {ElementType::kFloat4E2M1, 1, 1, 0x07, 0x07, 0x08, 0x08, false},
};

const Format* FormatOf(ElementType type) {
  for (const Format& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

// 2^exponent for exponents of normal floats.
float PowerOfTwo(int exponent) {
  return BitCast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

float ValueOf(const Format& format, uint8_t code) {
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

Values MakeValues(const Format& format) {
  Values values{};
  for (int code = 0; code < 256; ++code) {
    values[static_cast<size_t>(code)] = ValueOf(format, static_cast<uint8_t>(code));
  }
  return values;
}

Values MakeScaleValues() {
  Values values{};
  values[0] = BitCast<float>(uint32_t{0x00400000});  // 2^-127 is a denormal float
  for (int code = 1; code < 255; ++code) {
    values[static_cast<size_t>(code)] = PowerOfTwo(code - 127);
  }
  values[255] = std::numeric_limits<float>::quiet_NaN();
  return values;
}

// The magnitude's code, rounded to even, not yet held against the largest.
uint32_t RoundedCode(const Format& format, uint32_t magnitude) {
  const int smallest_exponent = 1 - format.bias;
  const auto smallest_normal = static_cast<uint32_t>(smallest_exponent + 127) << 23;
  if (magnitude < smallest_normal) {
    // In units of the smallest subnormal; adding 2^23 leaves the nearest integer in the low bits.
    const float units =
        BitCast<float>(magnitude) * PowerOfTwo(format.mantissa_bits - smallest_exponent);
    return BitCast<uint32_t>(units + 8388608.0f) - 0x4b000000u;
  }
  const int shift = 23 - format.mantissa_bits;
  const uint32_t odd = (magnitude >> shift) & 1u;
  const uint32_t rounded = magnitude + (1u << (shift - 1)) - 1 + odd;
  return (rounded - (static_cast<uint32_t>(127 - format.bias) << 23)) >> shift;
}

}  // namespace

const float* SmallFloatValues(ElementType type) {
  static const std::array<Values, std::size(kFormats)> tables = [] {
    std::array<Values, std::size(kFormats)> made{};
    for (size_t i = 0; i < std::size(kFormats); ++i) made[i] = MakeValues(kFormats[i]);
    return made;
  }();
  static const Values scales = MakeScaleValues();
  if (type == ElementType::kFloat8E8M0) return scales.data();
  const Format* const format = FormatOf(type);
  return format == nullptr ? nullptr : tables[static_cast<size_t>(format - kFormats)].data();
}

uint8_t FloatToSmallFloat(ElementType type, float value, bool saturate) {
  const Format& format = *FormatOf(type);
  const auto word = BitCast<uint32_t>(value);
  const uint32_t magnitude = word & 0x7fffffffu;
  const bool negative = (word >> 31) != 0;
  const uint8_t sign = negative ? format.sign : 0;
  if (magnitude > 0x7f800000u) {
    return format.one_zero ? format.nan : static_cast<uint8_t>(format.nan | sign);
  }
  uint32_t code = RoundedCode(format, magnitude);
  if (code > format.largest) code = saturate ? format.largest : format.overflow;
  if (format.one_zero && (code == 0 || code == format.nan)) return static_cast<uint8_t>(code);
  return static_cast<uint8_t>(code | sign);
}

uint8_t FloatToScale(float value, bool saturate, ScaleRounding rounding) {
  constexpr uint32_t kLargest = 254;
  constexpr uint32_t kNaN = 255;
  const uint32_t magnitude = BitCast<uint32_t>(value) & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kNaN;
  if (magnitude == 0x7f800000u) return saturate ? kLargest : kNaN;
  if (magnitude < 0x00400000u && !saturate) return kNaN;
  uint32_t code = magnitude >> 23;
  uint32_t fraction = magnitude & 0x7fffffu;  // of 2^23
  if (code == 0) {
    // Denormal floats: 2^-127 is code 0, and what is above it has its fraction one place lower.
    fraction = magnitude <= 0x00400000u ? 0 : (magnitude - 0x00400000u) << 1;
  }
  const bool up = rounding == ScaleRounding::kUp        ? fraction != 0
                  : rounding == ScaleRounding::kNearest ? fraction >= 0x400000u
                                                        : false;
  if (up) ++code;
  if (code > kLargest) return saturate ? kLargest : kNaN;
  return static_cast<uint8_t>(code);
}

}  // namespace mullion
