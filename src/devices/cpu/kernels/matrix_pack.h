// SPDX-License-Identifier: MIT
// Packs right operands for the matrix kernel (see matrix_kernel.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_PACK_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_PACK_H_

#include <cstdint>

#include "devices/cpu/kernels/matrix_kernel.h"

namespace mullion::cpu {

// A right operand as it lies in memory: element (tap, k, column) is at
// data[tap * tap_stride + k * depth_stride + column * column_stride].
struct RightSource {
  const float* data = nullptr;
  int64_t taps = 1;
  int64_t depth = 0;
  int64_t tap_stride = 0;
  int64_t depth_stride = 1;
  int64_t column_stride = 1;

  // A row-major matrix of `depth` rows.
  static RightSource RowMajor(const float* data, int64_t depth, int64_t stride) {
    return {data, 1, depth, 0, stride, 1};
  }
  // The transpose of a row-major matrix of `depth` columns.
  static RightSource Transposed(const float* data, int64_t depth, int64_t stride) {
    return {data, 1, depth, 0, 1, stride};
  }
  // ONNX Conv weights of one group, [column][channel][kernel position].
  static RightSource Convolution(const float* data, int64_t channels, int64_t taps) {
    return {data, taps, channels, 1, taps, channels * taps};
  }
};

// Fills blocks [first_block, last_block) of `packed`, the memory of the whole operand
// (blocks.PackedFloats(taps * depth) floats). Padding columns are zero.
void PackRight(const RightSource& source, const ColumnBlocks& blocks, int64_t first_block,
               int64_t last_block, float* packed);
inline void PackRight(const RightSource& source, const ColumnBlocks& blocks, float* packed) {
  PackRight(source, blocks, 0, blocks.columns == 0 ? 0 : blocks.count(), packed);
}

// One block, to memory of its own.
void PackRightBlock(const RightSource& source, const ColumnBlocks& blocks, int64_t block,
                    float* packed);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_PACK_H_
