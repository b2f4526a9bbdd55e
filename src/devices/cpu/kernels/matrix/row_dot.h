// SPDX-License-Identifier: MIT
// Products of few rows with many, all contiguous: a vector by a transposed matrix.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_ROW_DOT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_ROW_DOT_H_

#include <cstdint>

namespace mullion::cpu {

// out[m][n] = bias[n] + sum over k of left[m][k] * right[n][k] + residual[m][n], for n in [first,
// last). Sums run in as many parts as a vector has lanes, so that an output hangs on the
// instruction set and its operands alone.
struct RowDotArguments {
  const float* left;
  int64_t left_stride;
  int64_t rows;
  const float* right;
  int64_t right_stride;
  int64_t depth;
  const float* bias;      // may be null
  const float* residual;  // may be null, or `out`
  int64_t residual_stride;
  float* out;
  int64_t out_stride;
};
void RowDot(const RowDotArguments& arguments, int64_t first, int64_t last);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_ROW_DOT_H_
