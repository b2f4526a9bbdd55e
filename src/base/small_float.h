// SPDX-License-Identifier: MIT
// 16-bit floating-point storage types and their conversions. They hold bits; arithmetic is done
// in float.
#ifndef MULLION_BASE_SMALL_FLOAT_H_
#define MULLION_BASE_SMALL_FLOAT_H_

#include <cstdint>
#include <cstring>

namespace mullion {

template <typename To, typename From>
To BitCast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

// IEEE 754 binary16. Rounds to nearest even; overflow gives infinity; NaN stays NaN.
uint16_t FloatToHalfBits(float value);
float HalfBitsToFloat(uint16_t bits);

struct Float16 {
  Float16() = default;
  explicit Float16(float value) : bits(FloatToHalfBits(value)) {}
  explicit operator float() const { return HalfBitsToFloat(bits); }
  static Float16 FromBits(uint16_t bits) {
    Float16 value;
    value.bits = bits;
    return value;
  }
  uint16_t bits;
};

// The upper half of a binary32. Rounds to nearest even; NaN stays (quiet) NaN.
struct Bfloat16 {
  Bfloat16() = default;
  explicit Bfloat16(float value) {
    const auto word = BitCast<uint32_t>(value);
    if ((word & 0x7fffffffu) > 0x7f800000u) {
      bits = static_cast<uint16_t>((word >> 16) | 0x40);
    } else {
      bits = static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
    }
  }
  explicit operator float() const { return BitCast<float>(uint32_t{bits} << 16); }
  static Bfloat16 FromBits(uint16_t bits) {
    Bfloat16 value;
    value.bits = bits;
    return value;
  }
  uint16_t bits;
};

}  // namespace mullion

#endif  // MULLION_BASE_SMALL_FLOAT_H_
