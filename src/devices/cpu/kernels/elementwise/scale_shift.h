// SPDX-License-Identifier: MIT
// y = x * scale + shift: what normalizations end in. `x` and `y` may be the same.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCALE_SHIFT_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCALE_SHIFT_H_

#include <cstddef>

namespace mullion::cpu {

// One scale and shift for n floats.
void ScaleShift(const float* x, float* y, size_t n, float scale, float shift);

// `rows` rows of n floats; column j has scale[j] and shift[j].
void ScaleShiftColumns(const float* x, float* y, size_t rows, size_t n, const float* scale,
                       const float* shift);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCALE_SHIFT_H_
