// SPDX-License-Identifier: MIT
// Products with so few columns that vectors along them would be mostly padding: the last layer of a
// network that makes pictures, or masks. Vectors run along the depth instead.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_FEW_COLUMNS_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_FEW_COLUMNS_H_

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

// The largest number of columns, and the least depth of a tap, for which this is the quicker way.
inline constexpr int64_t kFewColumns = 4;
inline constexpr int64_t kFewColumnsDepth = 32;

// To [tap][column][k]; `packed` holds taps * columns * depth floats.
void PackFewColumns(const RightSource& source, int64_t columns, float* packed);

size_t FewColumnsScratchBytes(const MatrixProduct& product, int threads);

// MultiplyMatrix for a product of one group whose right operand comes from PackFewColumns. A sum
// runs in as many parts as a vector has lanes, over all taps.
void MultiplyFewColumns(const MatrixProduct& product, RowMaker rows, void* scratch,
                        Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_FEW_COLUMNS_H_
