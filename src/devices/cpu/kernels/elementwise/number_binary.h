// SPDX-License-Identifier: MIT
// Elementwise operations of integers, of two doubles, and what two floats have no vector code for.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_BINARY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_BINARY_H_

#include <cstddef>

#include "base/element_type.h"
#include "devices/cpu/kernels/simd/operand.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(a[i], b[i]) for `count` elements of the type; y may be the same as an operand of step
// 1. At most one operand has step 0. Integers are closed under every operation: sums and products
// wrap, what is divided by zero gives 0, and the smallest number divided by -1 gives itself.
//
// The type is double, an integer type, or float for kPow and kFmod. Of integers int64 has kPow,
// where a reciprocal that is no integer gives 0.
void NumberBinary(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                  AnyOperand b, void* y, size_t count);

// kAbs, kNeg, kSign and kRelu of signed integers; the opposite of the smallest number is itself. x
// and y may be the same.
void SignedUnary(operators::ElementwiseOp op, ElementType type, const void* x, void* y,
                 size_t count);

// y[i] = min(max(x[i], low), high) of integers; either bound may be null. x and y may be the same.
void IntegerClip(ElementType type, const void* x, void* y, size_t count, const void* low,
                 const void* high);

// y[i] = x[i] scale + shift; x and y may be the same.
void ScaleShiftDoubles(const double* x, double* y, size_t count, double scale, double shift);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_NUMBER_BINARY_H_
