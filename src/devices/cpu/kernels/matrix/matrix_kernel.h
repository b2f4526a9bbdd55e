// SPDX-License-Identifier: MIT
// The one matrix kernel: float products whose left operand is rows by address.
//
//   out[m][n] = activation(bias[n] + sum over t, k of row(m, t)[k] * right[t][k][n] +
//   residual[m][n])
//
// A convolution has one row per output pixel and kernel tap; a matrix product is the case of one
// tap. The right operand is packed into blocks of columns: [block][tap][k][columns of the block].
//
// Every output is one chain of multiply-adds in the order of t and k, begun with the bias, wherever
// the block, tile and thread boundaries fall: results hang on the instruction set alone. A
// product of one row with one vector of columns has eight chains of values that lie so far apart.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_KERNEL_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_KERNEL_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "devices/cpu/kernels/elementwise/activation.h"
#include "devices/cpu/kernels/matrix/matrix_tile.h"

namespace mullion::cpu {

// How the columns of a right operand are cut into blocks of whole vectors: as few blocks as the
// widest tile allows, as even as possible, the wider ones first. It hangs on the number of columns
// and the instruction set only, so packed weights serve inputs of any shape.
struct ColumnBlocks {
  int64_t columns = 0;
  int lanes = 1;        // floats in a vector
  int max_vectors = 1;  // vectors in the widest block

  // For the instruction level in use; what is packed with it must be used at the same level.
  static ColumnBlocks Of(int64_t columns);

  int64_t vectors() const { return vectors_; }
  int64_t count() const { return count_; }
  // Meaningful for blocks in [0, count()]; the last is the end.
  int64_t FirstVector(int64_t block) const {
    return block * even_vectors_ + std::min(block, wider_blocks_);
  }
  int64_t FirstColumn(int64_t block) const { return FirstVector(block) * lanes; }
  int Vectors(int64_t block) const {
    return static_cast<int>(FirstVector(block + 1) - FirstVector(block));
  }
  // Columns of the block that exist; the last block may be padded to whole vectors.
  int64_t Columns(int64_t block) const {
    return std::min(columns, FirstColumn(block + 1)) - FirstColumn(block);
  }
  // Size of a packed operand whose taps and k make `depth` rows.
  int64_t PackedFloats(int64_t depth) const { return vectors() * lanes * depth; }

 private:
  // What divisions give, which take as long as a tiny product.
  int64_t vectors_ = 0;
  int64_t count_ = 0;
  int64_t even_vectors_ = 0;
  int64_t wider_blocks_ = 0;  // by one vector
};

// What happens to the sums. Pointers may be null.
struct Epilogue {
  const float* bias = nullptr;  // one per column
  // Like the output, and may be the output itself; added before the activation.
  const float* residual = nullptr;
  int64_t residual_stride = 0;
  Activation activation;
};

inline constexpr int64_t kMaxBlockRows = 192;

// Rows at equal distances need no address each. Row i of a request and those behind it up to
// end[i] lie `step` floats apart at every tap asked for; of step 0 nothing is known.
struct EvenRows {
  int64_t step = 0;
  std::array<uint8_t, kMaxBlockRows> end;
  static_assert(kMaxBlockRows <= UINT8_MAX);
};

// Asks for the addresses of rows [first_row, first_row + row_count) at taps
// [first_tap, first_tap + tap_count): rows[(tap - first_tap) * stride + (row - first_row)]. Each
// must have `depth` readable floats until the next request of the same worker.
struct RowRequest {
  int64_t group;
  int64_t first_row;
  int64_t row_count;  // at most kMaxBlockRows
  int64_t first_tap;
  int64_t tap_count;
  const float** rows;
  int64_t stride;
  float* scratch;            // row_scratch_floats of the product, this worker's own
  EvenRows* even = nullptr;  // where to say which rows are, or null
};
using RowMaker = FunctionRef<void(const RowRequest&)>;

// Rows of the product that do not follow each other in the output: row m is row
// first[m / length] + m % length * step of the output and of the residual.
struct OutputLines {
  int64_t length = 0;  // 0: row m is row m
  int64_t step = 1;
  const int64_t* first = nullptr;
  // Columns that the last row of each line has; 0: all.
  int64_t last_columns = 0;

  int64_t RowOf(int64_t m) const { return length == 0 ? m : first[m / length] + m % length * step; }
  // Whether rows [m, m + count) lie at equal distances.
  bool AreOneLine(int64_t m, int64_t count) const {
    return length == 0 || m % length + count <= length;
  }
  bool HasAllColumns(int64_t m, int64_t count) const {
    return last_columns == 0 || m % length + count < length;
  }
  int64_t ColumnsOf(int64_t m, int64_t columns) const {
    return HasAllColumns(m, 1) ? columns : std::min(columns, last_columns);
  }
};

// One product, or as many as `groups` says, of the same size. Steps are in floats from one group to
// the next, strides from one row to the next.
struct MatrixProduct {
  int64_t rows = 0;
  int64_t taps = 1;
  int64_t depth = 0;  // floats of a row at one tap
  int64_t groups = 1;
  ColumnBlocks blocks;

  const float* right = nullptr;
  int64_t right_step = 0;
  // 0: packed. Otherwise `right` is row-major with this stride, and columns are whole vectors.
  int64_t right_stride = 0;

  float* out = nullptr;
  int64_t out_stride = 0;
  int64_t out_step = 0;
  OutputLines lines;
  Epilogue epilogue;
  int64_t bias_step = 0;
  int64_t residual_step = 0;

  int64_t row_scratch_floats = 0;
  // Rows are those of samples of a batch, which give the same bits in any company: a lone one goes
  // the way of many.
  bool of_samples = false;

  // Not null: of pairs of halves in the place of floats (see half_product.h), with these tiles.
  TileFinder half = nullptr;
};

// Scratch memory that MultiplyMatrix wants; aligned to 64 bytes. Hangs on sizes, not on pointers.
size_t MatrixScratchBytes(const MatrixProduct& product, int threads);

void MultiplyMatrix(const MatrixProduct& product, RowMaker rows, void* scratch, Parallel& parallel);

// Rows of a plain row-major left operand.
struct PlainRows {
  const float* data;
  int64_t stride;
  int64_t step = 0;  // from one group to the next
  void operator()(const RowRequest& request) const {
    const float* row = data + request.group * step + request.first_row * stride;
    for (int64_t i = 0; i < request.row_count; ++i) request.rows[i] = row + i * stride;
    if (request.even == nullptr) return;
    request.even->step = stride;
    std::fill_n(request.even->end.begin(), request.row_count,
                static_cast<uint8_t>(request.row_count));
  }
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_KERNEL_H_
