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

namespace mullion {

// The values of all codes of one of the types above: 256, or 16 for float4e2m1. Null for others.
// Made on first use; thread-safe.
const float* SmallFloatValues(ElementType type);

// How float8e8m0 rounds what is no power of two: away from zero, towards it, or to the nearer
// neighbour with ties away from zero.
enum class ScaleRounding : uint8_t { kUp, kDown, kNearest };

// The code of the value nearest to `value`, ties to even. What is too large becomes the largest
// finite value when `saturate`, else infinity, or NaN where there is none. NaN of float4e2m1 is the
// code of -0, which is what ONNX's reference makes of it; it always saturates.
// `type` is one of the first five above.
uint8_t FloatToSmallFloat(ElementType type, float value, bool saturate);

// The code of a power of two near |value|. With `saturate` what lies outside of [2^-127, 2^127]
// becomes the nearer end, without it NaN.
uint8_t FloatToScale(float value, bool saturate, ScaleRounding rounding);

}  // namespace mullion

#endif  // MULLION_BASE_FLOAT8_H_
