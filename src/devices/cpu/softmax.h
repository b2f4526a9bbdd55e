// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_SOFTMAX_H_
#define MULLION_DEVICES_CPU_SOFTMAX_H_

#include "base/parallel.h"
#include "devices/cpu/axis_loops.h"

namespace mullion::cpu {

// The logarithm of the softmax along the view's axis. `x` and `y` may be the same.
void LogSoftmax(const AxisView& view, const float* x, float* y, Parallel& parallel);
void LogSoftmax(const AxisView& view, const double* x, double* y, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_SOFTMAX_H_
