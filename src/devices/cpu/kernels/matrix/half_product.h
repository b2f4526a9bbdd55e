// SPDX-License-Identifier: MIT
// Matrix products in half precision: the matrix kernel on pairs of halves in the place of floats.
//
// Operands are rounded to half. A pair holds values 2k and 2k + 1 of the depth, so that one
// broadcast of 32 bits and one vector of 16 columns make 32 products; they are summed in half for
// kHalfChain pairs, and these sums in float. In a vector of the right operand lane i has column i,
// and lane 16 + i has column i ^ 1, so that both halves of a sum are widened from where they lie,
// and meet after an exchange of neighbours. Bias, residual, activation and outputs are float.
// Values beyond 65504 become infinite.
//
// Only where the caller of a session asked for it, and the processor has AVX512-FP16.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_PRODUCT_H_

#include <cstdint>

#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

// The tiles of such products, for MatrixProduct::half; null at levels below avx512fp16.
TileFinder HalfTiles();

// Rounding a value costs about as much as half precision saves on 16 products with it: for fewer
// columns float is as fast.
inline constexpr int64_t kFewestHalfColumns = 32;

// Pairs that hold `depth` values; the last one's second half is zero where that is odd.
constexpr int64_t PairsOf(int64_t depth) { return (depth + 1) / 2; }

// Rows of `depth` floats, one behind the other, as rows of pairs.
void NarrowRows(const float* rows, int64_t count, int64_t depth, float* pairs);

// PackRight for pairs: `packed` holds blocks.PackedFloats(taps * PairsOf(depth)) of them.
void PackHalfRight(const RightSource& source, const ColumnBlocks& blocks, float* packed);

// What turns a product of one tap, sizes set, into one of halves.
void UseHalf(MatrixProduct& product, TileFinder half);

// MultiplyMatrix for such a product, whose left operand has `depth` floats a row.
void MultiplyHalf(const MatrixProduct& product, RowMaker rows, int64_t depth, void* scratch,
                  Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_PRODUCT_H_
