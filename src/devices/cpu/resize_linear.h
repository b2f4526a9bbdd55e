// SPDX-License-Identifier: MIT
// Linear and cubic interpolation, with or without antialiasing: along one axis after the other.
#ifndef MULLION_DEVICES_CPU_RESIZE_LINEAR_H_
#define MULLION_DEVICES_CPU_RESIZE_LINEAR_H_

#include "base/parallel.h"
#include "base/tensor.h"
#include "devices/cpu/resize_plan.h"

namespace mullion::cpu {

// float, and in float 8- and 16-bit integers; double, and in double the other integers. Integers
// are rounded to the nearest and clamped to their range.
ElementTypeSet InterpolationTypes();

size_t InterpolationScratch(const ResizePlan& plan, ElementType type, int threads);

void Interpolate(const ResizePlan& plan, float extrapolation, const TensorView& input,
                 const MutableTensorView& output, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RESIZE_LINEAR_H_
