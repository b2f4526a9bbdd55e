// SPDX-License-Identifier: MIT
// Elementwise operations of two operands on contiguous floats.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_BINARY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_BINARY_H_

#include <cstddef>

#include "devices/cpu/kernels/simd/operand.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(a[i], b[i]) for `count` floats; y may be the same as an operand of step 1. At most
// one operand has step 0.
void FloatBinary(const operators::ElementwiseStep& step, Operand<float> a, Operand<float> b,
                 float* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_BINARY_H_
