// SPDX-License-Identifier: MIT
// Elementwise operations of one operand on doubles. They are vectors where there are any (see
// double_function.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_UNARY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_UNARY_H_

#include <cstddef>

#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(x[i]) for `count` elements; x and y may be the same.
void DoubleUnary(const operators::ElementwiseStep& step, const double* x, double* y, size_t count);

// The same of one number in plain code, which float has for its largest angles, too.
double PlainUnary(const operators::ElementwiseStep& step, double x);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_UNARY_H_
