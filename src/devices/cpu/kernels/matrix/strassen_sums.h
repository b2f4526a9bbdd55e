// SPDX-License-Identifier: MIT
// The vector arithmetic of Strassen's product (see strassen.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_

#include <cstdint>

namespace mullion::cpu {

inline constexpr int kStrassenProducts = 7;
inline constexpr int kStrassenSums = 4;  // of left operands, S1 to S4

// S1 to S4 from a pair of rows of twice `half` floats, `step` floats apart, and behind them A11,
// A12 and A22 where `copies`. Whole vectors are written.
void SumStrassenRows(const float* upper, const float* lower, int64_t half, float* sums,
                     int64_t step, bool copies);

// sums[i] = upper[i] + lower[i].
void AddHalves(const float* a, const float* b, int64_t count, float* sums);

// Rows of a quarter of the outputs. Of `sums` and `more` whole vectors are read.
struct StrassenQuarter {
  const float* sums;
  const float* more;  // added, or null
  int64_t width;      // from one row of these to the next
  int64_t rows;
  int64_t columns;
  bool at_least_zero;
  float* out;
  int64_t out_stride;
  const float* residual;  // added, or null; may be the output
  int64_t residual_stride;
};
void FinishStrassenQuarter(const StrassenQuarter& quarter);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_
