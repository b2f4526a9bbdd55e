// SPDX-License-Identifier: MIT
// One step of Strassen's product (V. Strassen, "Gaussian Elimination is not Optimal", 1969): rows
// of the left operand, its depth and the columns of the right one are halved, and seven products of
// halves take the place of eight.
//
//   M1 = (A11 + A22)(B11 + B22)   M2 = (A21 + A22) B11   M3 = A11 (B12 - B22)   M4 = A22 (B21 -
//   B11) M5 = (A11 + A12) B22          M6 = (A21 - A11)(B11 + B12)   M7 = (A12 - A22)(B21 + B22)
//   C11 = M1 + M4 - M5 + M7   C12 = M3 + M5   C21 = M2 + M4   C22 = M1 - M2 + M3 + M6
//
// The right operand is constant: its sums are packed, 7/4 of its own size. Neighbouring rows of the
// left one make a pair, the upper and the lower half, as they are mostly alike in size: errors of
// both go with the larger one, and what is not finite in one is so in both.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_H_

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/matrix/weight_product.h"

namespace mullion::cpu {

// Whether a right operand of this size is worth it. Hangs on the weights and the instruction set
// alone, so that what is packed serves any number of rows.
bool UsesStrassen(int64_t depth, int64_t columns);

size_t PackedStrassenFloats(int64_t depth, int64_t columns);
// `source` has one tap.
void PackStrassen(const RightSource& source, int64_t columns, float* packed);

// Takes weights from PackStrassen. Pairs are made within rows that are together.
size_t StrassenScratchBytes(const WeightProduct& product, int threads);
void MultiplyStrassen(const WeightProduct& product, RowMaker rows, void* scratch,
                      Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_STRASSEN_H_
