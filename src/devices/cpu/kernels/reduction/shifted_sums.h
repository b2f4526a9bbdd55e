// SPDX-License-Identifier: MIT
// Sums in double of what float and double elements differ by from a number, and what scales them.
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_SHIFTED_SUMS_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_SHIFTED_SUMS_H_

#include <cstddef>

#include "base/element_type.h"

namespace mullion::cpu {

struct ShiftedSums {
  double sum = 0;      // of x - origin
  double squares = 0;  // of their squares
};

// Takes n elements of the type in, float or double, one behind the other.
void AddShifted(ElementType type, const void* x, size_t n, double origin, ShiftedSums& sums);

// y = (x - mean) * factor of n elements, computed in double; y may be x.
void ScaleShifted(ElementType type, const void* x, size_t n, double mean, double factor, void* y);

// The same of n columns side by side, each with its own numbers, over `rows` rows that are `stride`
// elements apart.
void AddShiftedColumns(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                       const double* origins, double* sums, double* squares);
void ScaleShiftedColumns(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                         const double* means, const double* factors, void* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_SHIFTED_SUMS_H_
