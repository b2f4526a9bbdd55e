// SPDX-License-Identifier: MIT
// Integers that order as the elements of a tensor do, so that code that sorts is made for one or
// two types instead of twelve.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEY_H_

#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/element_traits.h"

namespace mullion::cpu {

// int64_t for types of 8 bytes, else int32_t. Equal elements have equal keys: both zeros too. Every
// NaN has the key of the greatest number, which no number of a floating type has.
template <typename T>
auto OrderKey(T value) {
  if constexpr (std::is_same_v<T, double>) {
    const auto bits = BitCast<int64_t>(value + 0.0);
    const int64_t key = bits ^ ((bits >> 63) & std::numeric_limits<int64_t>::max());
    return value != value ? std::numeric_limits<int64_t>::max() : key;
  } else if constexpr (kElementTypeOf<T> == ElementType::kFloat) {
    const auto bits = BitCast<int32_t>(value + 0.0f);
    const int32_t key = bits ^ ((bits >> 31) & std::numeric_limits<int32_t>::max());
    return value != value ? std::numeric_limits<int32_t>::max() : key;
  } else if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, Bfloat16>) {
    constexpr int32_t kInfinity = std::is_same_v<T, Float16> ? 0x7c00 : 0x7f80;
    const int32_t magnitude = value.bits & 0x7fff;
    const int32_t key = (value.bits & 0x8000) != 0 ? -magnitude : magnitude;
    return magnitude > kInfinity ? std::numeric_limits<int32_t>::max() : key;
  } else if constexpr (sizeof(T) == 8) {
    constexpr uint64_t kFlip = std::is_signed_v<T> ? 0 : uint64_t{1} << 63;
    return static_cast<int64_t>(static_cast<uint64_t>(value) ^ kFlip);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    return static_cast<int32_t>(value ^ 0x80000000u);
  } else {
    return static_cast<int32_t>(value);
  }
}

template <typename T>
using OrderKeyType = decltype(OrderKey(T{}));

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEY_H_
