// SPDX-License-Identifier: MIT
// Adds elements that lie side by side to elements that do not.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_ADD_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_ADD_H_

#include <cstdint>

namespace mullion::cpu {

// y[line * y_line + i * stride] += x[line * x_line + i] for i < count and line < lines. The lines
// of y must not overlap x. Nothing beyond the last element of a line is touched.
struct SpreadAddArguments {
  const float* x;
  int64_t x_line;
  float* y;
  int64_t y_line;
  int64_t lines;
  int64_t count;
  int64_t stride;  // 1 or more
};
void SpreadAdd(const SpreadAddArguments& arguments);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_ADD_H_
