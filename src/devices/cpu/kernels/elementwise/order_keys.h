// SPDX-License-Identifier: MIT
// The keys by which elements are selected, block by block.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEYS_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEYS_H_

#include <cstdint>

#include "base/element_type.h"

namespace mullion::cpu {

inline constexpr int64_t kKeyBlock = 64;
// Elements of which the greatest is told.
inline constexpr int64_t kKeyGroup = 16;

// keys[i] = OrderKey(x[i]) ^ flip for a block of int64, uint64 or double, and the greatest key of
// each group.
void WideOrderKeys(ElementType type, const void* x, int64_t flip, int64_t* keys, int64_t* greatest);

// The latter of keys that are there.
void GreatestKeys(const int32_t* keys, int32_t* greatest);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ORDER_KEYS_H_
