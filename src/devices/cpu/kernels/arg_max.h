// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_KERNELS_ARG_MAX_H_
#define MULLION_DEVICES_CPU_KERNELS_ARG_MAX_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

struct ArgMaxOptions {
  bool minimum = false;  // the smallest element instead of the largest
  bool last = false;     // of equal elements the last instead of the first
};

// The index of the largest of n > 0 floats. NaN is passed over; 0 when there is nothing else.
int64_t ArgMaxRow(const ArgMaxOptions& options, const float* x, size_t n);

// The same for each of `columns` columns of n elements, `stride` apart.
void ArgMaxColumns(const ArgMaxOptions& options, const float* x, size_t n, size_t stride,
                   size_t columns, int64_t* indices);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ARG_MAX_H_
