// SPDX-License-Identifier: MIT
// One side of a matrix's diagonal, the other one zero.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_TRIANGLE_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_TRIANGLE_H_

#include <cstdint>

namespace mullion::cpu {

// Rows of `bytes` bytes each. Row r changes from one side to the other at byte `diagonal` + r *
// `step`, clamped to the row; `mask` has 2 * `bytes` bytes, all ones or zero: the first half is for
// what lies before that place, the second for what lies behind. x and y may be the same.
void MaskTriangle(const uint8_t* x, uint8_t* y, int64_t rows, int64_t bytes, int64_t diagonal,
                  int64_t step, const uint8_t* mask);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_TRIANGLE_H_
