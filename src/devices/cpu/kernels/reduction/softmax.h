// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_SOFTMAX_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_SOFTMAX_H_

#include <cstddef>

namespace mullion::cpu {

// Softmax of `rows` rows of n neighbouring floats; its logarithm when `log` is set. `x` and `y` may
// be the same.
void SoftmaxRows(bool log, const float* x, float* y, size_t rows, size_t n);

// The same along columns: element k of column j is x[k * stride + j].
void SoftmaxColumns(bool log, const float* x, float* y, size_t n, size_t stride, size_t columns);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_SOFTMAX_H_
