// SPDX-License-Identifier: MIT
// The inner loop of block_product.h on rows that became bytes: one instruction multiplies four
// numbers and adds them up, and numbers of 4 bits need not become floats for it.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_TILE_H_

#include <cstdint>

#include "devices/cpu/kernels/matrix/block_product.h"

namespace mullion::cpu {

// A row of a left operand as bytes with one scale for each block. In units of eight bytes lie
// elements 0 2 4 6 1 3 5 7 of 4-bit products, as the halves of four bytes of numbers meet them, and
// elements in order of others.
struct ByteRow {
  const int8_t* bytes;  // padded_depth() of the weights
  const float* scales;  // one for each block, as
  const int32_t* sums;  // those of its bytes
};

// In `memory` of padded_depth() + 2 * blocks() floats. A block with NaN or an infinity has NaN for
// its scale.
ByteRow MakeByteRow(const BlockWeights& weights, const float* from, float* memory);

// Columns of the panels that rows of bytes meet: those of AVX-512. A build for one instruction set
// may have narrower ones.
inline constexpr int kBlockTileWidth = 64;

// One panel of numbers and the rows that it meets. Sums of a block fit in 32 bits.
struct BlockByteTile {
  const BlockWeights& weights;
  const uint32_t* numbers;
  const float* scales;
  const uint8_t* zeros;  // or null
  const ByteRow* rows;
};

namespace vnni {
// In block_tile_vnni.cc, for processors that have it: panels are kBlockTileWidth wide. Adds to
// `totals`
// ([row][column]); `rows` is 1 or 4.
void AddByteBlocks(const BlockByteTile& tile, int rows, float* totals);
}  // namespace vnni

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_TILE_H_
