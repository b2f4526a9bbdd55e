// SPDX-License-Identifier: MIT
// Conversion of one number, for the loops of convert_step.cc.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_VALUE_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_VALUE_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/small_float.h"

namespace mullion::cpu {

// Truncates to Wide (int32_t or int64_t); the ends stand for what is beyond them, 0 for NaN.
// Written so that the compiler can do several at once: no branch, no conversion out of range.
template <typename Wide, typename Real>
Wide Truncated(Real v) {
  constexpr Real kEnd = static_cast<Real>(std::numeric_limits<Wide>::max() / 2 + 1) * 2;  // 2^31/63
  const Real known = v == v ? v : Real{0};
  const bool above = known >= kEnd;
  const bool below = known < -kEnd;
  const Wide inside = static_cast<Wide>(above || below ? Real{0} : known);
  const Wide high = above ? std::numeric_limits<Wide>::max() : inside;
  return below ? std::numeric_limits<Wide>::min() : high;
}

// double to float with the last place set when it is not exact ("to odd"), so that a further
// rounding to fewer places rounds as if it were the first.
inline float RoundToOdd(double v) {
  const float nearest = static_cast<float>(v);
  const bool away = std::fabs(static_cast<double>(nearest)) > std::fabs(v);
  const bool exact = static_cast<double>(nearest) == v || v != v;
  const auto bits = BitCast<uint32_t>(nearest);
  const uint32_t odd = (away ? bits - 1 : bits) | 1u;
  return BitCast<float>(exact ? bits : odd);
}

// The same of an integer of 32 bits. From 2^24 on what is eight places above its last is enough to
// floats of 16 and fewer.
template <typename Integer>
float RoundToOddOf(Integer v) {
  const bool is_long = v >= 1 << 24 || (std::is_signed_v<Integer> && v <= Integer(-(1 << 24)));
  const Integer odd = (v >> 8) | ((v & 255) != 0 ? 1 : 0);
  return static_cast<float>(is_long ? odd : v) * (is_long ? 256.0f : 1.0f);
}
inline float RoundToOdd(int32_t v) { return RoundToOddOf(v); }
inline float RoundToOdd(uint32_t v) { return RoundToOddOf(v); }

template <typename To, typename From>
To ConvertValue(From v) {
  if constexpr (std::is_same_v<To, From>) {
    return v;
  } else if constexpr (std::is_same_v<To, bool>) {
    return v != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint64_t>) {
    // 2^63 and more do not fit int64; 2^64 and more end up at its end.
    constexpr From kEnd = static_cast<From>(9223372036854775808.0);
    const bool high = v >= kEnd;
    const auto low = static_cast<uint64_t>(Truncated<int64_t>(high ? v - kEnd : v));
    return low ^ (high ? uint64_t{1} << 63 : 0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide =
        std::conditional_t<sizeof(To) <= 2 || std::is_same_v<To, int32_t>, int32_t, int64_t>;
    return static_cast<To>(Truncated<Wide>(v));
  } else {
    return static_cast<To>(v);
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_VALUE_H_
