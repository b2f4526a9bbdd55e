// SPDX-License-Identifier: MIT
// The vector arithmetic of Strassen's product (see strassen.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_

#include <cstdint>

namespace mullion::cpu {

inline constexpr int kStrassenProducts = 7;

// The left operands of the seven products, `step` floats apart, from a pair of rows of twice `half`
// floats. Whole vectors are written.
void SumStrassenRows(const float* upper, const float* lower, int64_t half, float* sums,
                     int64_t step);

// sums[i] = upper[i] + lower[i].
void AddHalves(const float* a, const float* b, int64_t count, float* sums);

// Outputs of a pair of rows from its seven products, which are `step` floats apart.
struct StrassenOutput {
  const float* products;  // whole vectors are read
  int64_t step;
  int64_t columns;    // of a half, at most 64
  int64_t half;       // floats from an output of the left half to that of the right one
  const float* bias;  // may be null
  bool at_least_zero;
  float* upper;
  float* lower;                 // null where a row has no partner
  const float* upper_residual;  // may be null
  const float* lower_residual;
};
void FinishStrassenRows(const StrassenOutput& output);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_SUMS_H_
