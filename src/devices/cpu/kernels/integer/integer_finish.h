// SPDX-License-Identifier: MIT
// What happens to the sums of an integer product: zero points of the byte form, then a result type.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_FINISH_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_FINISH_H_

#include <cstdint>

#include "devices/cpu/kernels/elementwise/activation.h"
#include "devices/cpu/kernels/elementwise/quantize.h"

namespace mullion::cpu {

enum class IntegerOutput : uint8_t {
  kInt32,  // the sums
  kUint8,  // round(sum * scale) + zero point, to nearest even, clamped
  kInt8,
  kFloat,      // activation(sum * scale + bias + residual)
  kQuantized,  // sum * scale + bias as QuantizeToBytes does it; only the range's end is widened
};

constexpr int64_t OutputBytes(IntegerOutput output) {
  return output == IntegerOutput::kInt32 || output == IntegerOutput::kFloat ? 4 : 1;
}

// A second quantization, of the bytes q of a first one:
//
//   round(q * factor + shift + residual byte * residual factor) + zero point
//
// to nearest even, clamped, where q counts from the zero point of the first.
struct IntegerRescale {
  const float* factors = nullptr;  // null for no second quantization; per column, as what follows
  const float* shifts = nullptr;
  const float* residual_factors = nullptr;
  const uint8_t* residual = nullptr;  // signed ones count from -128; null for none
  int64_t residual_stride = 0;        // from one row to the next
  bool residual_is_signed = false;
  bool is_signed = false;  // the result
  bool rectified = false;  // clamped at the zero point as well
  float zero_point = 0;
};

// Per-column pointers are to the first column of the rows.
struct IntegerFinish {
  IntegerOutput output = IntegerOutput::kInt32;
  float zero_point = 0;
  const float* scales = nullptr;
  float step = 1;                 // kQuantized
  const float* biases = nullptr;  // kFloat and kQuantized; may be null, as what follows
  Activation activation;
  const float* residual = nullptr;  // of the shape of the output and `out_stride` between its rows
  FloatRange* range = nullptr;      // widened by all results
  IntegerRescale rescale;           // kUint8 and kInt8
  // Corrections: sum -= left_zeros[row] * column_sums[column] and, after it,
  // sum -= row_sums[row] * right_zeros[column]. Both pointers of a pair are null for none.
  const int32_t* left_zeros = nullptr;
  const int32_t* column_sums = nullptr;
  const int32_t* row_sums = nullptr;
  const int32_t* right_zeros = nullptr;

  // Pointers of scales, biases, right zeros and rescaling to a later column. Residuals and column
  // sums stay: they hang on the rows as well, or are not padded.
  void MoveColumns(int64_t columns) {
    const auto move = [columns](auto& pointer) {
      if (pointer != nullptr) pointer += columns;
    };
    move(scales);
    move(biases);
    move(right_zeros);
    move(rescale.factors);
    move(rescale.shifts);
    move(rescale.residual_factors);
  }

  // And of what hangs on the row to a later one.
  void MoveRows(int64_t count, int64_t out_stride) {
    if (residual != nullptr) residual += count * out_stride;
    if (rescale.residual != nullptr) rescale.residual += count * rescale.residual_stride;
    if (left_zeros != nullptr) left_zeros += count;
    if (row_sums != nullptr) row_sums += count;
  }

  bool IsPlain() const {
    return output == IntegerOutput::kInt32 && left_zeros == nullptr && right_zeros == nullptr;
  }
};

// `out` points to elements of the output's type; its stride is in elements. Rows of `sums`, which
// may change, are readable up to a multiple of 16 columns, and per-column values too.
void FinishIntegers(const IntegerFinish& finish, int32_t* sums, int64_t sums_stride, int64_t rows,
                    int64_t columns, void* out, int64_t out_stride);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_FINISH_H_
