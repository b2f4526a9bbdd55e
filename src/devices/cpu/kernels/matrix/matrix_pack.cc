// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/matrix_pack.h"

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

// Columns that are gathered together: so many streams of reads stay within one set of a level 1
// cache when their distance is a power of two.
constexpr int64_t kColumnsTogether = 8;
// What is transposed at once: with its result a quarter of a level 1 cache, and as many streams of
// reads as a vector has lanes.
constexpr int64_t kTileColumns = 16;
constexpr int64_t kTileRows = 64;

// [tap][k] rows of `width` floats, `columns` of them from the source.
void PackContiguous(const RightSource& source, int64_t columns, int64_t width, float* packed) {
  const float* const from = source.Columns(0, columns);
  for (int64_t tap = 0; tap < source.taps; ++tap) {
    for (int64_t k = 0; k < source.depth; ++k) {
      std::memcpy(packed, from + tap * source.tap_stride + k * source.depth_stride,
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
  const float* const from = source.Columns(column, columns);
  for (int64_t k = 0; k < source.depth; ++k) {
    for (int64_t tap = 0; tap < source.taps; ++tap) {
      const float* const x = from + tap * source.tap_stride + k * source.depth_stride;
      float* const to = packed + (tap * source.depth + k) * width + column;
      for (int64_t i = 0; i < columns; ++i) to[i] = x[i * source.column_stride];
    }
  }
}

// Columns that lie whole in memory, [column][k][tap], are transposed tile by tile.
bool HasWholeColumns(const RightSource& source) {
  return source.depth_stride == source.taps && (source.taps == 1 || source.tap_stride == 1);
}

void TransposeColumns(const RightSource& source, int64_t column, int64_t width, float* packed) {
  constexpr auto kFloat = static_cast<ptrdiff_t>(sizeof(float));
  const int64_t rows = source.depth * source.taps;
  const auto* const from = source.Columns(column, kTileColumns);
  for (int64_t row = 0; row < rows; row += kTileRows) {
    const int64_t count = std::min(kTileRows, rows - row);
    const auto transpose = [&](float* to, int64_t stride) {
      TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(from + row),
                    source.column_stride * kFloat, reinterpret_cast<uint8_t*>(to), stride * kFloat,
                    static_cast<size_t>(kTileColumns), static_cast<size_t>(count));
    };
    if (source.taps == 1) {
      transpose(packed + row * width + column, width);
      continue;
    }
    float tile[kTileRows * kTileColumns];
    transpose(tile, kTileColumns);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t to = (row + i) % source.taps * source.depth + (row + i) / source.taps;
      std::memcpy(packed + to * width + column, tile + i * kTileColumns,
                  kTileColumns * sizeof(float));
    }
  }
}

void PackStrided(const RightSource& source, int64_t columns, int64_t width, float* packed) {
  int64_t column = 0;
  if (HasWholeColumns(source)) {
    for (; column + kTileColumns <= columns; column += kTileColumns) {
      TransposeColumns(source, column, width, packed);
    }
  }
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

void PackRightBlock(const RightSource& source, const ColumnBlocks& blocks, int64_t block,
                    float* packed) {
  const int64_t width = static_cast<int64_t>(blocks.Vectors(block)) * blocks.lanes;
  RightSource part = source;
  part.first_column += blocks.FirstColumn(block);
  if (source.column_stride == 1) {
    PackContiguous(part, blocks.Columns(block), width, packed);
  } else {
    PackStrided(part, blocks.Columns(block), width, packed);
  }
}

void PackRight(const RightSource& source, const ColumnBlocks& blocks, int64_t first_block,
               int64_t last_block, float* packed) {
  for (int64_t block = first_block; block < last_block; ++block) {
    PackRightBlock(source, blocks, block,
                   packed + blocks.FirstColumn(block) * source.taps * source.depth);
  }
}

}  // namespace mullion::cpu
