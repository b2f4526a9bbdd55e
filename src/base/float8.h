// SPDX-License-Identifier: MIT
// Floating-point types of 8 and 4 bits: their values, and rounding to them.
//
//   type             sign exponent mantissa  bias  infinity  NaN
//   float8e4m3fn        1        4        3     7  none      S.1111.111
//   float8e4m3fnuz      1        4        3     8  none      1.0000.000, and no negative zero
//   float8e5m2          1        5        2    15  yes       S.11111.{01,10,11}
//   float8e5m2fnuz      1        5        2    16  none      1.00000.00, and no negative zero
//   float4e2m1          1        2        1     1  none      none
//   float8e8m0          0        8        0   127  none      11111111; powers of two, no zero
#ifndef MULLION_BASE_FLOAT8_H_
#define MULLION_BASE_FLOAT8_H_

#include <cstdint>

#include "base/element_type.h"
#include "base/small_float.h"

namespace mullion {

// The values of all codes of one of the types above: 256, or 16 for float4e2m1. Null for others.
// Made on first use; thread-safe.
const float* SmallFloatValues(ElementType type);

// How float8e8m0 rounds what is no power of two: away from zero, towards it, or to the nearer
// neighbour with ties away from zero.
enum class ScaleRounding : uint8_t { kUp, kDown, kNearest };

// One of the first five types above.
struct SmallFloatFormat {
  ElementType type;
  int mantissa_bits;
  int bias;
  uint8_t largest;   // code of the largest finite value
  uint8_t overflow;  // code of what is larger when not saturating: infinity or NaN
  uint8_t nan;
  uint8_t sign;   // the sign bit
  bool one_zero;  // -0 is NaN, so NaN has no sign either
};

// Null for other types.
const SmallFloatFormat* SmallFloatFormatOf(ElementType type);

// 2^exponent for exponents of normal floats.
inline float PowerOfTwo(int exponent) {
  return BitCast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

// The code of the value nearest to `value`, ties to even. What is too large becomes the largest
// finite value when `saturate`, else infinity, or NaN where there is none. NaN of float4e2m1 is the
// code of -0, which is what ONNX's reference makes of it; it always saturates.
// Without branches, as the next, so that the compiler can do several at once.
inline uint8_t FloatToSmallFloat(const SmallFloatFormat& format, float value, bool saturate) {
  const auto word = BitCast<uint32_t>(value);
  const uint32_t magnitude = word & 0x7fffffffu;
  const int smallest_exponent = 1 - format.bias;
  const auto smallest_normal = static_cast<uint32_t>(smallest_exponent + 127) << 23;
  // Below it in units of the smallest subnormal; adding 2^23 leaves the nearest integer in the low
  // bits.
  const uint32_t little = magnitude < smallest_normal ? magnitude : smallest_normal;
  const float units = BitCast<float>(little) * PowerOfTwo(format.mantissa_bits - smallest_exponent);
  const uint32_t subnormal = BitCast<uint32_t>(units + 8388608.0f) - 0x4b000000u;
  const int shift = 23 - format.mantissa_bits;
  const uint32_t rounded = magnitude + (1u << (shift - 1)) - 1 + ((magnitude >> shift) & 1u);
  const uint32_t normal = (rounded - (static_cast<uint32_t>(127 - format.bias) << 23)) >> shift;
  const uint32_t code = magnitude < smallest_normal ? subnormal : normal;
  const uint32_t beyond = saturate ? format.largest : format.overflow;
  const uint32_t number = code > format.largest ? beyond : code;
  const uint32_t known = magnitude > 0x7f800000u ? format.nan : number;
  const bool unsigned_code = format.one_zero && (known == 0 || known == format.nan);
  const uint32_t sign = unsigned_code ? 0 : (word >> 31) * format.sign;
  return static_cast<uint8_t>(known | sign);
}

// The code of a power of two near |value|. With `saturate` what lies outside of [2^-127, 2^127]
// becomes the nearer end, without it NaN.
inline uint8_t FloatToScale(float value, bool saturate, ScaleRounding rounding) {
  constexpr uint32_t kNaN = 255;
  const uint32_t magnitude = BitCast<uint32_t>(value) & 0x7fffffffu;
  const uint32_t exponent = magnitude >> 23;
  // Denormal floats: 2^-127 is code 0, and what is above it has its fraction one place lower.
  const uint32_t denormal = magnitude <= 0x00400000u ? 0 : (magnitude - 0x00400000u) << 1;
  const uint32_t fraction = exponent == 0 ? denormal : magnitude & 0x7fffffu;  // of 2^23
  const uint32_t to_round_up = rounding == ScaleRounding::kUp        ? 1
                               : rounding == ScaleRounding::kNearest ? 0x400000
                                                                     : 0x800000;
  const uint32_t code = exponent + (fraction >= to_round_up ? 1 : 0);
  const uint32_t beyond = saturate ? kNaN - 1 : kNaN;
  const uint32_t number = code >= kNaN ? beyond : code;
  const bool unknown = magnitude > 0x7f800000u || (!saturate && magnitude < 0x00400000u);
  return static_cast<uint8_t>(unknown ? kNaN : number);
}

inline float ScaleToFloat(uint8_t code) {
  const uint32_t finite = code == 0 ? 0x00400000u : uint32_t{code} << 23;  // 2^-127 is denormal
  return BitCast<float>(code == 255 ? 0x7fc00000u : finite);
}

}  // namespace mullion

#endif  // MULLION_BASE_FLOAT8_H_
