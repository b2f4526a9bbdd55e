// SPDX-License-Identifier: MIT
// Conversions in one loop, for the pairs of types that models convert between most.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_DIRECT_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_DIRECT_H_

#include <cstddef>

#include "base/element_type.h"

namespace mullion::cpu {

// Converts and returns true when the pair has a loop of its own: among float, int32, int64, uint8,
// int8 and bool, between float, int32 or int64 and double, and between float and the half types.
bool ConvertDirectly(ElementType from, const void* x, ElementType to, void* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_DIRECT_H_
