// SPDX-License-Identifier: MIT
// Products with weights of 2, 4 or 8 bits, in blocks along the depth that have a scale each and
// perhaps a zero point. They stay packed in memory: a few rows meet them as they become floats in
// registers, many rows a panel of columns that became floats in the cache.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"

namespace mullion::cpu {

// Weights [column][k]: column c at k is (number - zero point) * scale + shift of its block.
struct BlockWeights {
  int given_bits = 4;  // or 2 or 8: of a number as com.microsoft has it
  int bits = 4;        // or 8: as it is packed
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t block = 0;      // numbers of a block, a multiple of 8
  int panel_columns = 0;  // columns that lie together

  // For the instruction level in use.
  static BlockWeights Of(int given_bits, int64_t depth, int64_t columns, int64_t block);

  int64_t blocks() const { return (depth + block - 1) / block; }
  int64_t panels() const { return (columns + panel_columns - 1) / panel_columns; }
  // Rows of a product are read so far.
  int64_t padded_depth() const { return (depth + 7) / 8 * 8; }
  int64_t panel_words() const { return padded_depth() * panel_columns * bits / 32; }
  int64_t word_count() const { return panels() * panel_words(); }
  int64_t scale_count() const { return panels() * blocks() * panel_columns; }
};

// As com.microsoft lays them out: rows of whole blocks, several numbers of 2 or 4 bits in a byte,
// the first in its lowest bits; zero points the same, each row from a byte of its own. Numbers of 2
// bits become numbers of 4 bits around the middle of those, and so do their zero points.
void PackBlockNumbers(const BlockWeights& weights, const uint8_t* from, uint32_t* packed);
// Or shifts.
void PackBlockScales(const BlockWeights& weights, const float* from, float* packed);
// One byte each, scale_count() of them.
void PackBlockZeros(const BlockWeights& weights, const uint8_t* from, uint8_t* packed);

struct BlockProduct {
  BlockWeights weights;
  int64_t rows = 0;
  const float* left = nullptr;  // dense
  const uint32_t* numbers = nullptr;
  const float* scales = nullptr;
  const uint8_t* zeros = nullptr;  // or null: half of the numbers' range
  const float* shifts = nullptr;   // added to all weights of a block, or null
  const float* bias = nullptr;     // one per column, or null
  float* out = nullptr;            // dense
  // Few rows may become bytes, each block by its greatest magnitude: where the processor has
  // AVX-512 VNNI they do. A block's part of a result is then off by 1/254 of that magnitude times
  // the sum of its weights' magnitudes, at most.
  bool may_round = false;
};

// Hangs on sizes only.
size_t BlockProductScratchBytes(const BlockProduct& product, int threads);
void MultiplyBlocks(const BlockProduct& product, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_BLOCK_PRODUCT_H_
