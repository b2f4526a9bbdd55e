// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_ARG_MAX_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_ARG_MAX_H_

#include <cstddef>
#include <cstdint>

#include "base/element_type.h"

namespace mullion::cpu {

struct ArgMaxOptions {
  bool minimum = false;  // the smallest element instead of the largest
  bool last = false;     // of equal elements the last instead of the first
};

// The index of the largest of the n > 0 numbers, of any type, of each row. NaN is passed over; 0
// when there is nothing else.
void ArgMaxRows(const ArgMaxOptions& options, ElementType type, const void* x, size_t n,
                size_t rows, int64_t* indices);

// The same for each of at most kArgMaxColumns columns of n elements, `stride` apart.
inline constexpr size_t kArgMaxColumns = 64;
void ArgMaxColumns(const ArgMaxOptions& options, ElementType type, const void* x, size_t n,
                   size_t stride, size_t columns, int64_t* indices);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_ARG_MAX_H_
