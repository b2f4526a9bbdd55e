// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/half_product.h"

#include <memory>

#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/matrix/half_tile.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {

#if defined(__x86_64__)
TileFunction FindNativeHalfTile(int vectors, int rows);  // half_tile_fp16.cc
TileFinder HalfTiles() { return CurrentIsa() == Isa::kAvx512Fp16 ? &FindNativeHalfTile : nullptr; }
#else
TileFinder HalfTiles() { return nullptr; }
#endif

void NarrowRows(const float* rows, int64_t count, int64_t depth, float* pairs) {
  auto* to = reinterpret_cast<Float16*>(pairs);
  if (depth % 2 == 0) {
    NarrowFromFloat(rows, to, static_cast<size_t>(count * depth));
    return;
  }
  for (int64_t i = 0; i < count; ++i, rows += depth, to += depth + 1) {
    NarrowFromFloat(rows, to, static_cast<size_t>(depth));
    to[depth] = Float16::FromBits(0);
  }
}

namespace {

// Two rows of `width` floats as one of pairs, 16 columns to the vector (see half_product.h).
void Interleave(const float* first, const float* second, int64_t width, float* pairs) {
  constexpr int64_t kAtOnce = 64;
  Float16 halves[2][kAtOnce];
  auto* to = reinterpret_cast<uint16_t*>(pairs);
  for (int64_t column = 0; column < width; column += kAtOnce) {
    const int64_t count = std::min(kAtOnce, width - column);
    NarrowFromFloat(first + column, halves[0], static_cast<size_t>(count));
    NarrowFromFloat(second + column, halves[1], static_cast<size_t>(count));
    for (int64_t vector = 0; vector < count; vector += kHalfTileLanes) {
      for (int64_t lane = 0; lane < 2 * kHalfTileLanes; ++lane) {
        const int64_t side = lane < kHalfTileLanes ? lane : (lane - kHalfTileLanes) ^ 1;
        *to++ = halves[lane % 2][vector + side].bits;
      }
    }
  }
}

}  // namespace

void PackHalfRight(const RightSource& source, const ColumnBlocks& blocks, float* packed) {
  const int64_t depth = source.depth;
  const auto floats = static_cast<size_t>(blocks.PackedFloats(source.taps * depth));
  const std::unique_ptr<float[]> panels(new float[floats]);
  PackRight(source, blocks, panels.get());
  const float zeros[kWideTileRows.size() * kHalfTileLanes] = {};  // the widest block
  const float* from = panels.get();
  for (int64_t block = 0; block < (blocks.columns == 0 ? 0 : blocks.count()); ++block) {
    const int64_t width = static_cast<int64_t>(blocks.Vectors(block)) * blocks.lanes;
    for (int64_t tap = 0; tap < source.taps; ++tap, from += depth * width) {
      for (int64_t k = 0; k < depth; k += 2, packed += width) {
        const float* const row = from + k * width;
        Interleave(row, k + 1 < depth ? row + width : zeros, width, packed);
      }
    }
  }
}

void UseHalf(MatrixProduct& product, TileFinder half) {
  product.half = half;
  product.depth = PairsOf(product.depth);
  product.row_scratch_floats = kMaxBlockRows * product.depth;
}

void MultiplyHalf(const MatrixProduct& product, RowMaker rows, int64_t depth, void* scratch,
                  Parallel& parallel) {
  const auto narrowed = [&](const RowRequest& request) {
    rows(request);
    // Rows that lie one behind the other at once.
    for (int64_t i = 0; i < request.row_count;) {
      const float* const first = request.rows[i];
      float* pairs = request.scratch + i * product.depth;
      int64_t count = 0;
      while (i < request.row_count && request.rows[i] == first + count * depth) {
        request.rows[i++] = pairs + count++ * product.depth;
      }
      NarrowRows(first, count, depth, pairs);
    }
  };
  MultiplyMatrix(product, narrowed, scratch, parallel);
}

}  // namespace mullion::cpu
