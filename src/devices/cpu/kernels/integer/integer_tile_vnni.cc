// SPDX-License-Identifier: MIT
// Compiled for AVX-512 VNNI; see src/CMakeLists.txt.
#include "devices/cpu/kernels/integer/integer_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "devices/cpu/kernels/simd/vnni_dot.h"

namespace mullion::cpu::vnni {

namespace {

inline __m512i Broadcast(const uint8_t* unit) {
  int32_t bits;
  std::memcpy(&bits, unit, sizeof(bits));
  return _mm512_set1_epi32(bits);
}

template <int kRows, int kGroups, void kDotAdd(__m512i&, __m512i, __m512i) = DotAdd,
          bool kFetches = false>
void Tile(const IntegerTile& t) {
  __m512i sums[kRows][kGroups];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) sums[r][g] = _mm512_loadu_si512(t.init + g * kColumnGroup);
  }
  if (t.row_init != nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512i more = _mm512_set1_epi32(t.row_init[r]);
#pragma GCC unroll 4
      for (int g = 0; g < kGroups; ++g) sums[r][g] = _mm512_add_epi32(sums[r][g], more);
    }
  }
  const uint8_t* packed = t.packed;
  const uint8_t* ahead = t.ahead;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const uint8_t* row[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) row[r] = t.rows[tap * t.tap_stride + r];
    for (int64_t unit = 0; unit < t.units; ++unit) {
      __m512i right[kGroups];
#pragma GCC unroll 4
      for (int g = 0; g < kGroups; ++g) right[g] = _mm512_loadu_si512(packed + g * 64);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const __m512i left = Broadcast(row[r] + 4 * unit);
#pragma GCC unroll 4
        for (int g = 0; g < kGroups; ++g) kDotAdd(sums[r][g], left, right[g]);
      }
      packed += t.packed_stride;
      if constexpr (kFetches) {
        _mm_prefetch(ahead, _MM_HINT_T1);
        ahead += kLineBytes;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
      _mm512_storeu_si512(t.out + r * t.out_stride + g * kColumnGroup, sums[r][g]);
    }
  }
}

template <int kRows>
void TileOfGroups(int groups, const IntegerTile& tile) {
  if constexpr (kRows <= 6) {
    if (kRows == 6 && groups == 4 && tile.ahead != nullptr) {
      return Tile<kRows, 4, DotAdd, kRows == 6>(tile);
    }
    if (groups == 4) return Tile<kRows, 4>(tile);
  }
  if constexpr (kRows <= 8) {
    if (groups == 3) return Tile<kRows, 3>(tile);
  }
  if (groups == 2) return Tile<kRows, 2>(tile);
  return Tile<kRows, 1>(tile);
}

}  // namespace

void RunTile(int rows, int groups, const IntegerTile& tile) {
  switch (rows) {
    case 8:
      return TileOfGroups<8>(groups, tile);
    case 6:
      return TileOfGroups<6>(groups, tile);
    case 4:
      return TileOfGroups<4>(groups, tile);
    case 2:
      return TileOfGroups<2>(groups, tile);
    default:
      return TileOfGroups<1>(groups, tile);
  }
}

void RunWordTile(int groups, const IntegerTile& tile) {
  switch (groups) {
    case 4:
      if (tile.ahead != nullptr) return Tile<kWordRows, 4, DotAddWords, true>(tile);
      return Tile<kWordRows, 4, DotAddWords>(tile);
    case 3:
      return Tile<kWordRows, 3, DotAddWords>(tile);
    case 2:
      return Tile<kWordRows, 2, DotAddWords>(tile);
    default:
      return Tile<kWordRows, 1, DotAddWords>(tile);
  }
}

uint32_t SumRow(const uint8_t* row, int64_t count) {
  const __m512i zero = _mm512_setzero_si512();
  __m512i sum = zero;
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_loadu_si512(row + i), zero));
  }
  const __m512i rest = _mm512_maskz_loadu_epi8((uint64_t{1} << (count - i)) - 1, row + i);
  sum = _mm512_add_epi64(sum, _mm512_sad_epu8(rest, zero));
  return static_cast<uint32_t>(_mm512_reduce_add_epi64(sum));
}

}  // namespace mullion::cpu::vnni

#endif  // defined(__x86_64__)
