// SPDX-License-Identifier: MIT
// Elementwise operations of one operand in plain code: integers, double, and what float has no
// vector code for. The commoner functions of double are vectors (see double_function.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_NUMBER_UNARY_H_
#define MULLION_DEVICES_CPU_KERNELS_NUMBER_UNARY_H_

#include <cstddef>

#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(x[i]) for `count` elements; x and y may be the same.
void DoubleUnary(const operators::ElementwiseStep& step, const double* x, double* y, size_t count);

// The trigonometric and hyperbolic functions from kSin to kAtanh.
void PlainTrigonometry(operators::ElementwiseOp op, const float* x, float* y, size_t count);
void PlainTrigonometry(operators::ElementwiseOp op, const double* x, double* y, size_t count);

// T is an integer type; kAbs, kNeg, kSign and kRelu on it, and kErf and kShrink by way of double.
// The absolute and the negated value of the smallest number are itself.
template <typename T>
void IntegerUnary(const operators::ElementwiseStep& step, const T* x, T* y, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_NUMBER_UNARY_H_
