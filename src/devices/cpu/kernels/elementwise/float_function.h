// SPDX-License-Identifier: MIT
// The parts of FloatUnary that are compiled per instruction set.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_FUNCTION_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_FUNCTION_H_

#include <cstddef>

#include "operators/elementwise_op.h"

namespace mullion::cpu {

// Rounding, roots, exponentials: the mathematical functions from kAbs to kSigmoid.
void FloatFunction(const operators::ElementwiseStep& step, const float* x, float* y, size_t count);

// The trigonometric and hyperbolic functions from kSin to kAtanh.
void FloatTrigonometry(const operators::ElementwiseStep& step, const float* x, float* y,
                       size_t count);

// The activations from kRelu to kClip.
void FloatActivation(const operators::ElementwiseStep& step, const float* x, float* y,
                     size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLOAT_FUNCTION_H_
