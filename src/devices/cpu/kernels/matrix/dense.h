// SPDX-License-Identifier: MIT
// Matrix products of two operands as they lie in memory, one or many of the same size.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_DENSE_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_DENSE_H_

#include <cstddef>
#include <cstdint>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

namespace mullion::cpu {

// Sizes of the products. Strides are floats from row to row. The right operand is
// [depth][columns], or [columns][depth] when transposed.
struct DenseShape {
  int64_t batch = 1;
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t left_stride = 0;
  int64_t right_stride = 0;
  bool right_transposed = false;
  int64_t out_stride = 0;
};

struct DenseOperands {
  const float* left;
  const float* right;
  float* out;
  Epilogue epilogue;
};

// Where the operands of product `batch` are. Called by several threads at once.
using DenseOperandsOf = FunctionRef<DenseOperands(int64_t batch)>;

size_t DenseScratchBytes(const DenseShape& shape, int threads);

// Right operands are packed into scratch memory, unless the left one has so few rows that reading
// it once where it lies is quicker: which of the two hangs on the shape and the instruction set.
void MultiplyDense(const DenseShape& shape, DenseOperandsOf operands, void* scratch,
                   Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_DENSE_H_
