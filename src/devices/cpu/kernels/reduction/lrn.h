// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_LRN_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_LRN_H_

#include <cstddef>

namespace mullion::cpu {

// sums[i] += x[i]^2.
void AddSquares(const float* x, size_t n, float* sums);

// y[i] = x[i] / (bias + alpha * sums[i])^beta. `x` and `y` may be the same.
void DivideByPower(const float* x, const float* sums, size_t n, float bias, float alpha, float beta,
                   float* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_LRN_H_
