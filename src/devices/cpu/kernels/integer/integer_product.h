// SPDX-License-Identifier: MIT
// The integer matrix kernel: products of 8-bit numbers whose left operand is rows by address.
//
//   out[m][n] = finish(init[n] + sum over t, k of row(m, t)[k] * right[t][k][n])
//
// A convolution has one row per output pixel and kernel tap; a matrix product is the case of one
// tap. The same idea as kernels/matrix/matrix_kernel.h has for float.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PRODUCT_H_

#include <cstdint>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "devices/cpu/kernels/integer/integer_finish.h"
#include "devices/cpu/kernels/integer/integer_pack.h"

namespace mullion::cpu {

// Asks for the addresses of rows [first_row, first_row + row_count) of a group at every tap:
// rows[tap * stride + (row - first_row)]. Whole units of each must be readable: in byte form of
// unsigned bytes, in word form of 16-bit numbers. Elements beyond the depth are ignored.
struct IntegerRowRequest {
  int64_t image;
  int64_t group;
  int64_t first_row;
  int64_t row_count;
  const uint8_t** rows;
  int64_t stride;
};
using IntegerRowMaker = FunctionRef<void(const IntegerRowRequest&)>;

// Products of the same size: `images` left operands, each with the right operands of `groups`.
struct IntegerProduct {
  int64_t images = 1;
  int64_t groups = 1;
  int64_t rows = 0;
  IntegerPanels panels;

  // The right operands and all per-column values lie group after group: panels.bytes() and
  // panels.padded_columns() elements apart.
  const uint8_t* packed = nullptr;
  const int32_t* init = nullptr;
  // Pointers in it are to the first column of group 0 and, per row, the first row of image 0. A
  // residual or ranges need a column_stride of 1.
  IntegerFinish finish;
  FloatRange* ranges = nullptr;  // takes the place of finish.range: one for each thread
  // With finish.right_zeros, finish.row_sums is made here: the sum of a row at all taps, less what
  // it would be if every element were the left zero point. Where all columns have one zero point,
  // sums begin with what it takes off them instead. Byte form only.
  int32_t left_zero = 0;
  int32_t right_zero = 0;

  void* out = nullptr;  // of finish.output; steps and strides in elements
  int64_t image_step = 0;
  int64_t group_step = 0;
  int64_t row_stride = 1;
  int64_t column_stride = 1;  // one of the two strides is 1
};

int64_t IntegerScratchBytes(const IntegerProduct& product, int threads);

void MultiplyIntegers(const IntegerProduct& product, IntegerRowMaker rows, void* scratch,
                      Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PRODUCT_H_
