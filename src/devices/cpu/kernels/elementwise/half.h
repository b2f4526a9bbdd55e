// SPDX-License-Identifier: MIT
// Between 16-bit floating-point storage and float, for contiguous elements.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_HALF_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_HALF_H_

#include <cstddef>

#include "base/element_type.h"
#include "base/small_float.h"

namespace mullion::cpu {

// Exact.
void WidenToFloat(const Float16* x, float* y, size_t count);
void WidenToFloat(const Bfloat16* x, float* y, size_t count);

// To nearest even; overflow gives infinity; NaN stays NaN.
void NarrowFromFloat(const float* x, Float16* y, size_t count);
void NarrowFromFloat(const float* x, Bfloat16* y, size_t count);

// The same with the half type known at run time: kFloat16 or kBfloat16.
void WidenToFloat(ElementType type, const void* x, float* y, size_t count);
void NarrowFromFloat(const float* x, ElementType type, void* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_HALF_H_
