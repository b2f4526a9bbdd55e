// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix_pack.h"

#include <cstring>

namespace mullion::cpu {

namespace {

// Columns that are gathered together: so many streams of reads stay within one set of a level 1
// cache when their distance is a power of two.
constexpr int64_t kColumnsTogether = 8;

// [tap][k] rows of `width` floats, `columns` of them from the source.
void PackContiguous(const RightSource& source, int64_t columns, int64_t width, float* packed) {
  for (int64_t tap = 0; tap < source.taps; ++tap) {
    for (int64_t k = 0; k < source.depth; ++k) {
      std::memcpy(packed, source.data + tap * source.tap_stride + k * source.depth_stride,
                  static_cast<size_t>(columns) * sizeof(float));
      std::memset(packed + columns, 0, static_cast<size_t>(width - columns) * sizeof(float));
      packed += width;
    }
  }
}

// kCount columns, or `count` when kCount is 0.
template <int kCount>
void GatherColumns(const RightSource& source, int64_t column, int64_t count, int64_t width,
                   float* packed) {
  const int64_t columns = kCount != 0 ? kCount : count;
  const float* const from = source.data + column * source.column_stride;
  for (int64_t k = 0; k < source.depth; ++k) {
    for (int64_t tap = 0; tap < source.taps; ++tap) {
      const float* const x = from + tap * source.tap_stride + k * source.depth_stride;
      float* const to = packed + (tap * source.depth + k) * width + column;
      for (int64_t i = 0; i < columns; ++i) to[i] = x[i * source.column_stride];
    }
  }
}

void PackStrided(const RightSource& source, int64_t columns, int64_t width, float* packed) {
  int64_t column = 0;
  for (; column + kColumnsTogether <= columns; column += kColumnsTogether) {
    GatherColumns<kColumnsTogether>(source, column, kColumnsTogether, width, packed);
  }
  if (column < columns) GatherColumns<0>(source, column, columns - column, width, packed);
  if (columns == width) return;
  for (int64_t row = 0; row < source.taps * source.depth; ++row) {
    std::memset(packed + row * width + columns, 0,
                static_cast<size_t>(width - columns) * sizeof(float));
  }
}

}  // namespace

void PackRight(const RightSource& source, const ColumnBlocks& blocks, int64_t first_block,
               int64_t last_block, float* packed) {
  for (int64_t block = first_block; block < last_block; ++block) {
    const int64_t first = blocks.FirstColumn(block);
    const int64_t width = static_cast<int64_t>(blocks.Vectors(block)) * blocks.lanes;
    RightSource part = source;
    part.data += first * source.column_stride;
    float* const to = packed + first * source.taps * source.depth;
    if (source.column_stride == 1) {
      PackContiguous(part, blocks.Columns(block), width, to);
    } else {
      PackStrided(part, blocks.Columns(block), width, to);
    }
  }
}

}  // namespace mullion::cpu
