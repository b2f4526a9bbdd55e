// SPDX-License-Identifier: MIT
// One step of Strassen's product (V. Strassen, "Gaussian Elimination is not Optimal", 1969), in
// S. Winograd's form: rows of the left operand, its depth and the columns of the right one are
// halved, and seven products of halves take the place of eight.
//
//   S1 = A21 + A22         S2 = S1 - A11         S3 = A21 - A11       S4 = A12 - S2
//   T1 = B12 - B11         T2 = B22 - T1         T3 = B12 - B22       T4 = B21 - T2
//   U1 = A11 B11           U2 = U1 + S2 T2       U3 = U2 + S3 T3      V = S1 T1
//   C11 = U1 + A12 B21     C12 = U2 + S4 B22 + V
//   C21 = U3 + A22 T4      C22 = U3 + V
//
// Sums of products are made where the matrix kernel's tiles end. The right operand is constant: its
// sums are packed, 7/4 of its own size. Neighbouring rows of the left one make a pair, the upper
// and the lower half, as they are mostly alike in size: errors of both go with the larger one, and
// what is not finite in one may be so in both.
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
