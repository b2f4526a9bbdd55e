// SPDX-License-Identifier: MIT
// Elementwise operations on contiguous elements of a type known at run time. Half types are
// computed in float, a tile at a time.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ELEMENTS_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ELEMENTS_H_

#include <cstddef>

#include "base/element_type.h"
#include "devices/cpu/kernels/simd/operand.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(x[i]); x and y may be the same.
void UnaryElements(const operators::ElementwiseStep& step, ElementType type, const void* x, void* y,
                   size_t count);

// y[i] = step(a[i], b[i]); y may be the same as an operand of step 1. At most one has step 0.
void BinaryElements(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                    AnyOperand b, void* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ELEMENTS_H_
