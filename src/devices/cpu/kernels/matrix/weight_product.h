// SPDX-License-Identifier: MIT
// Matrix products whose right operand is constant: packed once, for any number of rows, by the
// matrix kernel or by Strassen's step, whichever suits its size, or in half precision.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_WEIGHT_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_WEIGHT_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

struct WeightProduct {
  int64_t rows = 0;
  // Rows of one image or sequence, whose errors and NaN may spread to each other; divides `rows`.
  int64_t rows_together = 0;
  bool of_samples = false;  // as in a MatrixProduct
  int64_t depth = 0;
  int64_t columns = 0;
  const float* packed = nullptr;  // from PackWeight
  float* out = nullptr;
  int64_t out_stride = 0;
  Epilogue epilogue;
  TileFinder half = nullptr;  // not null: in half precision with these (see half_product.h)
};

size_t PackedWeightFloats(int64_t depth, int64_t columns, TileFinder half = nullptr);
// `source` has one tap.
void PackWeight(const RightSource& source, int64_t columns, float* packed,
                TileFinder half = nullptr);

size_t WeightProductScratchBytes(const WeightProduct& product, int threads);
// Asks for rows of group 0 and tap 0, without scratch memory.
void MultiplyByWeight(const WeightProduct& product, RowMaker rows, void* scratch,
                      Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_WEIGHT_PRODUCT_H_
