// SPDX-License-Identifier: MIT
// The register tiles of the matrix kernel (see matrix_kernel.h).

#if defined(MULLION_DEVICES_CPU_KERNELS_MATRIX_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_MATRIX_TILE_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_MATRIX_TILE_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "devices/cpu/kernels/matrix_tile.h"

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Rows of the tile that is `vectors` wide: kTileRows[vectors - 1]. The sums fill most of the
// registers, beside one vector of the right operand per column and the broadcast left value, which
// AVX-512 takes from memory: 24 + 4 of 32, and 12 + 2 + 1 of 16. A multiply and an add where there
// is no fused instruction need one more. Rows end at 12, where the general registers that hold
// their addresses end, and 8 to 12 sums are enough to hide the latency of the additions.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
inline constexpr std::array<int, 4> kTileRows = kWideTileRows;
#elif HWY_TARGET == HWY_AVX2
inline constexpr std::array<int, 2> kTileRows = {12, 6};
#else
inline constexpr std::array<int, 2> kTileRows = {8, 4};
#endif
inline constexpr int kMaxTileVectors = static_cast<int>(kTileRows.size());

using TileVector = hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::ScalableTag<float>>;

// Where one of the tiles of a call stands.
struct TilePlace {
  int64_t offset;  // of its rows from their addresses
  const float* ahead;
  const float* start;
  const float* residual;
  float* out;
};

// Adds the products of rows by address.
template <int kRows, int kVectors>
HWY_INLINE void AddRows(const TileArguments& t, TileVector (&sum)[kRows][kVectors]) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  using V = TileVector;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* HWY_RESTRICT right = t.right;
  const int64_t right_stride = t.right_stride;
  const float* ahead = t.ahead;
  const int64_t ahead_step = t.ahead_step;
  const float* const* tap_rows = t.rows;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* row[kRows];
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) row[i] = tap_rows[i] + t.first;
    tap_rows += t.row_stride;
    for (int64_t k = 0; k < t.depth; ++k) {
      V column[kVectors];
#pragma GCC unroll 32
      for (int j = 0; j < kVectors; ++j) column[j] = hn::LoadU(d, right + j * lanes);
#pragma GCC unroll 32
      for (int i = 0; i < kRows; ++i) {
        const V left = hn::Set(d, row[i][k]);
#pragma GCC unroll 32
        for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(left, column[j], sum[i][j]);
      }
      right += right_stride;
      __builtin_prefetch(ahead, 0, 2);
      ahead += ahead_step;
    }
  }
}

// Keeps g++ from making one address of several, which it would have too few registers for.
HWY_INLINE void KeepApart([[maybe_unused]] const float*& address) {
#if HWY_COMPILER_GCC
  __asm__("" : "+r"(address));
#endif
}

// The same for rows at equal distances: each of four registers holds the addresses of three rows,
// and nothing but the first is loaded for a tap. `kFetches`: whether there is something to fetch
// ahead, which takes a place among the loads that short sums lack.
template <bool kFetches, int kRows, int kVectors>
HWY_INLINE void AddEvenRows(const TileArguments& t, TilePlace& place,
                            TileVector (&sum)[kRows][kVectors]) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  using V = TileVector;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* HWY_RESTRICT right = t.right;
  const int64_t right_stride = t.right_stride;
  const int64_t step = t.row_step;
  const int64_t depth = t.depth;
  const float* ahead = place.ahead;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* row[4];
    row[0] = t.rows[tap * t.row_stride] + place.offset;
    for (int i = 1; i < 4; ++i) row[i] = row[i - 1] + 3 * step;
    for (int64_t k = 0; k < depth; ++k) {
      V column[kVectors];
#pragma GCC unroll 32
      for (int j = 0; j < kVectors; ++j) column[j] = hn::LoadU(d, right + j * lanes);
#pragma GCC unroll 32
      for (int i = 0; i < kRows; ++i) {
        const V left = hn::Set(d, row[i / 3][i % 3 * step]);
#pragma GCC unroll 32
        for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(left, column[j], sum[i][j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i * 3 < kRows; ++i) {
        ++row[i];
        KeepApart(row[i]);
      }
      right += right_stride;
      if constexpr (kFetches) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += t.ahead_step;
      }
    }
  }
  place.ahead = ahead;
}

template <int kRows, int kVectors>
HWY_INLINE void OneTile(const TileArguments& t, TilePlace& place) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  using V = TileVector;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kVectors];
  if (t.start_stride == 0) {
#pragma GCC unroll 32
    for (int j = 0; j < kVectors; ++j) {
      sum[0][j] = hn::LoadU(d, place.start + j * lanes);
#pragma GCC unroll 32
      for (int i = 1; i < kRows; ++i) sum[i][j] = sum[0][j];
    }
  } else {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 32
      for (int j = 0; j < kVectors; ++j) {
        sum[i][j] = hn::LoadU(d, place.start + i * t.start_stride + j * lanes);
      }
    }
  }
  bool even = false;
  if constexpr (kRows == kTileRows[static_cast<size_t>(kVectors - 1)]) {
    even = t.row_step != 0;
    if (even && t.ahead_step != 0) AddEvenRows<true>(t, place, sum);
    if (even && t.ahead_step == 0) AddEvenRows<false>(t, place, sum);
  }
  if (!even) AddRows(t, sum);
  const auto last_columns = static_cast<size_t>(t.last_columns);
  if (t.residual != nullptr) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      const float* const residual = place.residual + i * t.residual_stride;
#pragma GCC unroll 32
      for (int j = 0; j < kVectors - 1; ++j) {
        sum[i][j] = hn::Add(sum[i][j], hn::LoadU(d, residual + j * lanes));
      }
      const V last = LoadFirst(d, residual + (kVectors - 1) * lanes, last_columns);
      sum[i][kVectors - 1] = hn::Add(sum[i][kVectors - 1], last);
    }
  }
  if (t.finish != TileFinish::kStore) {
    const V low = hn::Set(d, t.low);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 32
      for (int j = 0; j < kVectors; ++j) sum[i][j] = AtLeast(d, sum[i][j], low);
    }
  }
  if (t.finish == TileFinish::kClamp) {
    const V high = hn::Set(d, t.high);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 32
      for (int j = 0; j < kVectors; ++j) sum[i][j] = AtMost(d, sum[i][j], high);
    }
  }
  const bool whole = t.last_columns == lanes;
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) {
    float* const out = place.out + i * t.out_stride;
#pragma GCC unroll 32
    for (int j = 0; j < kVectors - 1; ++j) hn::StoreU(sum[i][j], d, out + j * lanes);
    if (whole) hn::StoreU(sum[i][kVectors - 1], d, out + (kVectors - 1) * lanes);
  }
  if (whole) return;
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) {
    StoreFirst(sum[i][kVectors - 1], d, place.out + i * t.out_stride + (kVectors - 1) * lanes,
               last_columns);
  }
}

template <int kRows, int kVectors>
HWY_NOINLINE void Tile(const TileArguments& t) {
  constexpr bool kWhole = kRows == kTileRows[static_cast<size_t>(kVectors - 1)];
  TilePlace place{t.first, t.ahead, t.start, t.residual, t.out};
  for (int64_t more = kWhole && t.row_step != 0 ? t.tiles : 1;;) {
    OneTile<kRows, kVectors>(t, place);
    if (!kWhole || --more == 0) return;
    place.offset += kRows * t.row_step;
    place.start += kRows * t.start_stride;
    if (t.residual != nullptr) place.residual += kRows * t.residual_stride;
    place.out += kRows * t.out_stride;
  }
}

template <int kVectors, int... kRows>
constexpr std::array<TileFunction, sizeof...(kRows)> TilesOfWidth(
    std::integer_sequence<int, kRows...> /*rows*/) {
  return {&Tile<kRows + 1, kVectors>...};
}
template <int kVectors>
TileFunction TileOfWidth(int rows) {
  static constexpr auto kTiles = TilesOfWidth<kVectors>(
      std::make_integer_sequence<int, kTileRows[static_cast<size_t>(kVectors - 1)]>());
  return kTiles[static_cast<size_t>(rows - 1)];
}

// The tile of exactly `rows` rows, 1 to kTileRows[vectors - 1].
inline TileFunction FindTile(int vectors, int rows) {
  switch (vectors) {
    case 1:
      return TileOfWidth<1>(rows);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
    case 3:
      return TileOfWidth<3>(rows);
    case 4:
      return TileOfWidth<4>(rows);
#endif
    default:
      return TileOfWidth<2>(rows);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_TILE_INL_H_
