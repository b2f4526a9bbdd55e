// SPDX-License-Identifier: MIT
// The register tiles of products in half precision (see half_product.h), over the vector operations
// of `Ops`: the processor's own, or plain code that says what those should give.
//
//   Ops::Halves                     32 halves for 16 columns
//   Ops::Zero(), Ops::Load(from)
//   Ops::Broadcast(from)            one pair, 16 times
//   Ops::MulAdd(a, b, c)            a * b + c, rounded once
//   Ops::Floats                     16 floats
//   Ops::Sum(const Halves*)         lanes i and 16 + (i ^ 1) in float
//   Ops::LoadFloats(from), Ops::Store(floats, to), Ops::Add(a, b)
//   Ops::AtLeast(x, low), Ops::AtMost(x, high)      NaN stays NaN
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_TILE_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "devices/cpu/kernels/matrix/matrix_tile.h"

namespace mullion::cpu {

// Pairs that are summed in half precision, at most: then the sums go to totals in float. The
// rounding of n sums is off by about 2^-13 sqrt(n) of the result, and leaving for the totals takes
// as long as 6 pairs: 128 would be 3 to 6 % faster, and its errors up to twice as large.
inline constexpr int64_t kHalfChain = 64;
inline constexpr int64_t kHalfTileLanes = 16;

// Sums leave the tile in float: to `totals` or, behind the last chain, to the output.
struct HalfChainEnd {
  const TileArguments& tile;
  int rows;
  int vectors;
  bool first;  // chain: adds to what the tile begins with, and not to totals
  bool last;
  float* totals;  // [row][vectors]
};

// One copy for all tiles.
template <typename Ops>
[[gnu::noinline]] void AddChain(const HalfChainEnd& end, const typename Ops::Halves* sums) {
  const TileArguments& t = end.tile;
  const int64_t width = end.vectors * kHalfTileLanes;
  const bool at_least = end.last && t.finish != TileFinish::kStore;
  const bool at_most = end.last && t.finish == TileFinish::kClamp;
  for (int64_t i = 0; i < end.rows; ++i) {
    float* const totals = end.totals + i * width;
    const float* const before = end.first ? t.start + i * t.start_stride : totals;
    float* const after = end.last ? t.out + i * t.out_stride : totals;
    const float* const residual =
        end.last && t.residual != nullptr ? t.residual + i * t.residual_stride : nullptr;
    for (int64_t c = 0; c < width; c += kHalfTileLanes) {
      typename Ops::Floats x = Ops::Add(Ops::LoadFloats(before + c), Ops::Sum(sums++));
      if (residual != nullptr) x = Ops::Add(x, Ops::LoadFloats(residual + c));
      if (at_least) x = Ops::AtLeast(x, t.low);
      if (at_most) x = Ops::AtMost(x, t.high);
      Ops::Store(x, after + c);
    }
  }
}

// Where chains begin and end hangs on taps and depth alone: as many parts of the depth, which are
// as even as possible, as kHalfChain holds.
template <typename Ops, int kRows, int kVectors>
void HalfTile(const TileArguments& t) {
  float totals[kRows * kVectors * kHalfTileLanes];
  HalfChainEnd chain{t, kRows, kVectors, true, false, totals};
  const int64_t parts = std::max<int64_t>((t.depth + kHalfChain - 1) / kHalfChain, 1);
  const int64_t part = (t.depth + parts - 1) / parts;
  const float* right = t.right;
  const float* ahead = t.ahead;
  int64_t tap = 0;
  int64_t begin = 0;
  do {
    typename Ops::Halves sums[kRows][kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] = Ops::Zero();
    }
    for (int64_t room = kHalfChain; tap < t.taps;) {
      const int64_t end = std::min(begin + part, t.depth);
      room -= end - begin;
      if (room < 0) break;
      const float* const* const rows = t.rows + tap * t.row_stride;
      const float* row[kRows];
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) row[i] = rows[i] + t.first;
      for (int64_t k = begin; k < end; ++k) {
        typename Ops::Halves column[kVectors];
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) column[j] = Ops::Load(right + j * kHalfTileLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
          const typename Ops::Halves left = Ops::Broadcast(row[i] + k);
#pragma GCC unroll 4
          for (int j = 0; j < kVectors; ++j) {
            sums[i][j] = Ops::MulAdd(left, column[j], sums[i][j]);
          }
        }
        right += t.right_stride;
        __builtin_prefetch(ahead, 0, 2);
        __builtin_prefetch(ahead + t.ahead_second, 0, 2);
        ahead += t.ahead_step;
      }
      begin = end < t.depth ? end : 0;
      if (begin == 0) ++tap;
    }
    typename Ops::Halves stored[kRows * kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) stored[i * kVectors + j] = sums[i][j];
    }
    chain.last = tap == t.taps;
    AddChain<Ops>(chain, stored);
    chain.first = false;
  } while (tap < t.taps);
}

template <typename Ops, int kVectors, int... kRows>
TileFunction HalfTileOfWidth(int rows, std::integer_sequence<int, kRows...> /*rows*/) {
  static constexpr TileFunction kTiles[] = {&HalfTile<Ops, kRows + 1, kVectors>...};
  return kTiles[rows - 1];
}

// A TileFinder.
template <typename Ops>
TileFunction FindHalfTile(int vectors, int rows) {
  switch (vectors) {
    case 1:
      return HalfTileOfWidth<Ops, 1>(rows, std::make_integer_sequence<int, kWideTileRows[0]>());
    case 2:
      return HalfTileOfWidth<Ops, 2>(rows, std::make_integer_sequence<int, kWideTileRows[1]>());
    case 3:
      return HalfTileOfWidth<Ops, 3>(rows, std::make_integer_sequence<int, kWideTileRows[2]>());
    default:
      return HalfTileOfWidth<Ops, 4>(rows, std::make_integer_sequence<int, kWideTileRows[3]>());
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_HALF_TILE_H_
