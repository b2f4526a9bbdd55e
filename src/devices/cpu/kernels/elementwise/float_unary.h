// SPDX-License-Identifier: MIT
// Elementwise operations of one operand on contiguous floats.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_UNARY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_UNARY_H_

#include <cstddef>

#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(x[i]) for `count` floats; x and y may be the same. A result depends on its operand
// alone, not on its place.
void FloatUnary(const operators::ElementwiseStep& step, const float* x, float* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_UNARY_H_
