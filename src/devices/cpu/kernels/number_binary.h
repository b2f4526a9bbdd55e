// SPDX-License-Identifier: MIT
// Elementwise operations of two operands in plain code: integers, double, and what float has no
// vector code for.
#ifndef MULLION_DEVICES_CPU_KERNELS_NUMBER_BINARY_H_
#define MULLION_DEVICES_CPU_KERNELS_NUMBER_BINARY_H_

#include <cstddef>

#include "devices/cpu/kernels/operand.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(a[i], b[i]) for `count` elements; y may be the same as an operand of step 1. At most
// one operand has step 0. Integers are closed under every operation: sums and products wrap, what
// is divided by zero gives 0, and the smallest number divided by -1 gives itself.
//
// T is double, an integer type, or float for kPow and kFmod. Integers have no kPow.
template <typename T>
void NumberBinary(const operators::ElementwiseStep& step, Operand<T> a, Operand<T> b, T* y,
                  size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_NUMBER_BINARY_H_
