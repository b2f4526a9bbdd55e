// SPDX-License-Identifier: MIT
// Pairs of numbers turned by angles, of which cosines and sines are given.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ROTATE_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ROTATE_H_

#include <cstddef>

namespace mullion::cpu {

// y[i] = x[i] cosines[i] + x[i ^ 1] sines[i]: neighbours are a pair, `count` of them in all. x and
// y do not overlap.
void RotateNeighbours(const float* x, const float* cosines, const float* sines, size_t count,
                      float* y);

// Elements i and i + half are a pair: (x[i] cosines[i] - x[i + half] sines[i],
// x[i + half] cosines[i] + x[i] sines[i]). x and y do not overlap.
void RotateHalves(const float* x, const float* cosines, const float* sines, size_t half, float* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ROTATE_H_
