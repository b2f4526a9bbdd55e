// SPDX-License-Identifier: MIT
#include "base/small_float.h"

namespace mullion {

uint16_t FloatToHalfBits(float value) {
  const auto word = BitCast<uint32_t>(value);
  const uint32_t sign = (word >> 16) & 0x8000u;
  const uint32_t magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {  // NaN: keep the upper payload bits, make it quiet
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds to inf
  if (magnitude < 0x38800000u) {
    // Subnormal half: adding 0.5 aligns the value so that the FPU's own rounding does the work.
    const float aligned = BitCast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (BitCast<uint32_t>(aligned) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

float HalfBitsToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u)
    return BitCast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x0400u) return BitCast<float>(sign | ((magnitude << 13) + 0x38000000u));
  // Zero or subnormal: magnitude * 2^-24 is exact in float.
  const float value = static_cast<float>(magnitude) * 5.9604644775390625e-8f;
  return BitCast<float>(sign | BitCast<uint32_t>(value));
}

}  // namespace mullion
