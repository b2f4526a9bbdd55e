// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/shuffled_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/shuffled_tile.cc"
#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/registers-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_SHUFFLED_TILE_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_SHUFFLED_TILE_ONCE_
namespace mullion::cpu {
namespace {

// Vectors at the end of the last block that need not be there, of a sixteenth of all columns.
constexpr int64_t kMostPadding = 2;
// Columns of blocks. Sums of three rows fill most of the registers.
constexpr int64_t kWideBlock = 144;
constexpr int64_t kNarrowBlock = 112;

}  // namespace
}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_SHUFFLED_TILE_ONCE_

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3

// Columns from `first` on, kVectors vectors of them, of rows from `row` on; where there are fewer
// than a tile's, the last one is made again.
template <int kVectors>
HWY_NOINLINE void ShuffledTile(const ShuffledProduct& p, int64_t first, int64_t row) {
  constexpr int kRows = static_cast<int>(kShuffledTileRows);
  const hn::FixedTag<float, 16> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using V = hn::Vec<decltype(d)>;
  const auto group = hn::And(hn::Iota(du, 0), hn::Set(du, 3));
  const auto second = hn::RebindMask(d, hn::Eq(group, hn::Set(du, 1)));
  const auto third = hn::RebindMask(d, hn::Eq(group, hn::Set(du, 2)));
  const auto fourth = hn::RebindMask(d, hn::Eq(group, hn::Set(du, 3)));
  const int64_t depth = p.depth;
  const float* x[kRows];
  float* out[kRows];
  V sums[kRows][kVectors];
#pragma GCC unroll 3
  for (int i = 0; i < kRows; ++i) {
    const int64_t at = std::min<int64_t>(row + i, p.rows - 1);
    x[i] = p.left + at * depth * kShuffledGroups;
    out[i] = p.out + at * p.out_stride + first;
#pragma GCC unroll 9
    for (int j = 0; j < kVectors; ++j) sums[i][j] = hn::LoadU(d, p.start + first + 16 * j);
  }
  const float* right = p.right + first * depth;
  for (int64_t k = 0; k < depth; ++k, right += 16 * kVectors) {
    V left[kRows];
#pragma GCC unroll 3
    for (int i = 0; i < kRows; ++i) {
      left[i] = hn::Set(d, x[i][0]);
      left[i] = hn::IfThenElse(second, hn::Set(d, x[i][depth]), left[i]);
      left[i] = hn::IfThenElse(third, hn::Set(d, x[i][2 * depth]), left[i]);
      left[i] = hn::IfThenElse(fourth, hn::Set(d, x[i][3 * depth]), left[i]);
      ++x[i];
    }
#pragma GCC unroll 9
    for (int j = 0; j < kVectors; ++j) {
      V columns = hn::LoadU(d, right + 16 * j);
      KeepInRegister(columns);
#pragma GCC unroll 3
      for (int i = 0; i < kRows; ++i) sums[i][j] = hn::MulAdd(left[i], columns, sums[i][j]);
    }
  }
  const V low = hn::Set(d, p.low);
  const V high = hn::Set(d, p.high);
#pragma GCC unroll 9
  for (int j = 0; j < kVectors; ++j) {
    const int64_t columns = std::clamp<int64_t>(p.columns - first - 16 * j, 0, 16);
#pragma GCC unroll 3
    for (int i = 0; i < kRows; ++i) {
      const V sum = AtMost(d, AtLeast(d, sums[i][j], low), high);
      if (j < kVectors - kMostPadding) {
        hn::StoreU(sum, d, out[i] + 16 * j);
      } else {
        StoreFirst(sum, d, out[i] + 16 * j, static_cast<size_t>(columns));
      }
    }
  }
}

#endif  // HWY_TARGET == HWY_AVX3

void ShuffledTiles([[maybe_unused]] const ShuffledProduct& p) {
#if HWY_TARGET == HWY_AVX3
  const auto tile =
      p.block == kNarrowBlock ? &ShuffledTile<kNarrowBlock / 16> : &ShuffledTile<kWideBlock / 16>;
  for (int64_t first = 0; first < p.columns; first += p.block) {
    for (int64_t row = 0; row < p.rows; row += kShuffledTileRows) tile(p, first, row);
  }
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

int64_t ShuffledBlock(int64_t columns) {
  if (ColumnBlocks::Of(1).lanes != 16) return 0;
  for (const int64_t block : {kWideBlock, kNarrowBlock}) {
    const int64_t padding = RoundUp(columns, block) - columns;
    if (padding <= std::min(columns / 16, kMostPadding * 16)) return block;
  }
  return 0;
}

void MultiplyShuffled(const ShuffledProduct& product) { MULLION_SIMD_CALL(ShuffledTiles)(product); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
