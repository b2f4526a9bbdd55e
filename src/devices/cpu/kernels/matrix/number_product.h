// SPDX-License-Identifier: MIT
// Matrix products of double and of integers as their operands lie in memory.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_NUMBER_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_NUMBER_PRODUCT_H_

#include <cstdint>

#include "base/element_type.h"
#include "base/parallel.h"

namespace mullion::cpu {

// Element (row, k) of the left operand is at row * left_row + k * left_k, and so on.
struct ProductStrides {
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t left_row = 0;
  int64_t left_k = 1;
  int64_t right_k = 0;
  int64_t right_column = 1;
};

// out = left x right, row-major, of double, int32, int64, uint32 or uint64. Integers wrap around.
// Every element is one chain of multiply-adds in the order of k.
void MultiplyNumbers(ElementType type, const ProductStrides& s, const void* left, const void* right,
                     void* out, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_NUMBER_PRODUCT_H_
