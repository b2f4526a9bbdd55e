// SPDX-License-Identifier: MIT
// Packs right operands for the matrix kernel (see matrix_kernel.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_PACK_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_PACK_H_

#include <cstdint>

#include "base/function_ref.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

namespace mullion::cpu {

// Rows [first, first + count) of weights along their first axis, one behind the other. They are
// made now, and their memory is used again for the next.
using WeightRows = FunctionRef<const float*(int64_t first, int64_t count)>;

// A right operand as it lies in memory: element (tap, k, column) is at
// Columns(column, 1)[tap * tap_stride + k * depth_stride].
struct RightSource {
  const float* data = nullptr;
  int64_t taps = 1;
  int64_t depth = 0;
  int64_t tap_stride = 0;
  int64_t depth_stride = 1;
  int64_t column_stride = 1;
  int64_t first_column = 0;
  const WeightRows* rows = nullptr;  // not null: where columns come from, in the place of `data`

  // The first of `count` columns, `column_stride` apart. Good until the next call.
  const float* Columns(int64_t column, int64_t count) const {
    column += first_column;
    return rows != nullptr ? (*rows)(column, count) : data + column * column_stride;
  }

  // A row-major matrix of `depth` rows.
  static RightSource RowMajor(const float* data, int64_t depth, int64_t stride) {
    return {.data = data, .depth = depth, .depth_stride = stride};
  }
  // The transpose of a row-major matrix of `depth` columns.
  static RightSource Transposed(const float* data, int64_t depth, int64_t stride) {
    return {.data = data, .depth = depth, .column_stride = stride};
  }
  // ONNX Conv weights of one group, [column][channel][kernel position].
  static RightSource Convolution(const float* data, int64_t channels, int64_t taps) {
    return {.data = data,
            .taps = taps,
            .depth = channels,
            .tap_stride = 1,
            .depth_stride = taps,
            .column_stride = channels * taps};
  }
  static RightSource Convolution(const WeightRows& rows, int64_t channels, int64_t taps) {
    RightSource source = Convolution(nullptr, channels, taps);
    source.rows = &rows;
    return source;
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

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_PACK_H_
