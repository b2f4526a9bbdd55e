// SPDX-License-Identifier: MIT
// Functions of doubles in vectors, within 4 units in the last place of the exact result, those of a
// sum within that of its larger part.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_FUNCTION_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_FUNCTION_H_

#include <cstddef>

#include "devices/cpu/kernels/simd/operand.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

// y[i] = step(x[i]) for `count` elements; x and y may be the same. False where there are no vectors
// for it, and nothing is done.
bool DoubleFunction(const operators::ElementwiseStep& step, const double* x, double* y,
                    size_t count);

// y[i] = x[i]^exponent[i], worked out in doubles. y may be where an operand of step 1 is. False
// where there are no vectors for it, and nothing is done.
bool FloatPower(Operand<float> x, Operand<float> exponent, float* y, size_t count);

// The same of doubles, within one unit in the last place.
bool DoublePower(Operand<double> x, Operand<double> exponent, double* y, size_t count);

// y[i] = min(max(x[i], low), high), NaN where x[i] is NaN.
void DoubleClip(const double* x, double* y, size_t count, double low, double high);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_DOUBLE_FUNCTION_H_
