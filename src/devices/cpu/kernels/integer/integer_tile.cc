// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_tile.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer/integer_tile.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

// Sums wrap around, so they are unsigned here.
void AddUnit(const uint8_t* left, const uint8_t* right, uint32_t& sum) {
  int16_t a[2];
  int16_t b[2];
  std::memcpy(a, left, sizeof(a));
  std::memcpy(b, right, sizeof(b));
  sum += static_cast<uint32_t>(a[0] * b[0] + a[1] * b[1]);
}

void WordTile(int rows, int groups, const IntegerTile& t) {
  for (int r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < groups * kColumnGroup; ++c) {
      auto sum = static_cast<uint32_t>(t.init[c]);
      const uint8_t* packed = t.packed + 4 * c;
      for (int64_t tap = 0; tap < t.taps; ++tap) {
        const uint8_t* const row = t.rows[tap * t.tap_stride + r];
        for (int64_t unit = 0; unit < t.units; ++unit, packed += t.packed_stride) {
          AddUnit(row + 4 * unit, packed, sum);
        }
      }
      t.out[r * t.out_stride + c] = static_cast<int32_t>(sum);
    }
  }
}

constexpr int kVectorsPerGroup = 16;

#else

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<int32_t, 16>;
using D16 = hn::Repartition<int16_t, D32>;
using V32 = hn::Vec<D32>;
using V16 = hn::Vec<D16>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D32()));
constexpr int kVectorsPerGroup = static_cast<int>(kColumnGroup) / kLanes;

HWY_INLINE V16 Broadcast(const uint8_t* unit) {
  int32_t bits;
  std::memcpy(&bits, unit, sizeof(bits));
  return hn::BitCast(D16(), hn::Set(D32(), bits));
}

// Where the instruction set keeps odd products apart (NEON) they go to `odd`; elsewhere that stays
// zero and costs nothing.
template <int kRows, int kVectors>
void Tile(const IntegerTile& t) {
  const D32 d;
  const D16 d16;
  V32 sums[kRows][kVectors];
  V32 odd[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::Zero(d);
      odd[r][v] = hn::Zero(d);
    }
  }
  const uint8_t* packed = t.packed;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const uint8_t* row[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) row[r] = t.rows[tap * t.tap_stride + r];
    for (int64_t unit = 0; unit < t.units; ++unit) {
      const auto* const right16 = reinterpret_cast<const int16_t*>(packed);
      V16 right[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) right[v] = hn::LoadU(d16, right16 + 2 * v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const V16 left = Broadcast(row[r] + 4 * unit);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          sums[r][v] = hn::ReorderWidenMulAccumulate(d, left, right[v], sums[r][v], odd[r][v]);
        }
      }
      packed += t.packed_stride;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const V32 init = hn::LoadU(d, t.init + v * kLanes);
      const V32 sum = hn::RearrangeToOddPlusEven(sums[r][v], odd[r][v]);
      hn::StoreU(hn::Add(sum, init), d, t.out + r * t.out_stride + v * kLanes);
    }
  }
}

// Tiles whose sums do not fit the registers are made of narrower ones.
template <int kRows, int kMostGroups>
void TileOfGroups(int groups, IntegerTile tile) {
  for (int g = 0; g < groups; g += kMostGroups) {
    const int width = std::min(kMostGroups, groups - g);
    if constexpr (kMostGroups >= 4) {
      if (width == 4) Tile<kRows, 4 * kVectorsPerGroup>(tile);
    }
    if constexpr (kMostGroups >= 3) {
      if (width == 3) Tile<kRows, 3 * kVectorsPerGroup>(tile);
    }
    if constexpr (kMostGroups >= 2) {
      if (width == 2) Tile<kRows, 2 * kVectorsPerGroup>(tile);
    }
    if (width == 1) Tile<kRows, kVectorsPerGroup>(tile);
    tile.packed += kMostGroups * kColumnGroup * 4;
    tile.init += kMostGroups * kColumnGroup;
    tile.out += kMostGroups * kColumnGroup;
  }
}

void WordTile(int rows, int groups, const IntegerTile& tile) {
  if constexpr (kVectorsPerGroup == 1) {
    if (rows == 12) return TileOfGroups<12, 2>(groups, tile);
    if (rows == 8) return TileOfGroups<8, 3>(groups, tile);
    if (rows == 6) return TileOfGroups<6, 4>(groups, tile);
    if (rows == 4) return TileOfGroups<4, 4>(groups, tile);
    if (rows == 2) return TileOfGroups<2, 4>(groups, tile);
    return TileOfGroups<1, 4>(groups, tile);
  } else if constexpr (kVectorsPerGroup == 2) {
    if (rows == 6) return TileOfGroups<6, 1>(groups, tile);
    if (rows == 4) return TileOfGroups<4, 1>(groups, tile);
    if (rows == 2) return TileOfGroups<2, 2>(groups, tile);
    return TileOfGroups<1, 4>(groups, tile);
  } else {
    if (rows == 2) return TileOfGroups<2, 1>(groups, tile);
    return TileOfGroups<1, 2>(groups, tile);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace

void RunWordTile(int rows, int groups, const IntegerTile& tile) { WordTile(rows, groups, tile); }

// The tallest tile that the registers take beside one unit of the right operand.
int WordTileRows(int groups) {
  if (kVectorsPerGroup == 1) return groups <= 2 ? 12 : groups == 3 ? 8 : 6;
  return kVectorsPerGroup == 2 ? 6 : 2;
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

IntegerForm CurrentIntegerForm() {
#if defined(__x86_64__)
  if (CurrentIsa() >= Isa::kAvx512Vnni) return IntegerForm::kBytes;
#endif
  return IntegerForm::kWords;
}

namespace {

// Whether products of words are one instruction, for kWordRows rows.
bool DotsWords(int rows) {
#if defined(__x86_64__)
  return rows == vnni::kWordRows && CurrentIsa() >= Isa::kAvx512Vnni;
#else
  static_cast<void>(rows);
  return false;
#endif
}

}  // namespace

int IntegerTileRows(IntegerForm form, int groups, int64_t left) {
  if (form == IntegerForm::kWords && left >= vnni::kWordRows && DotsWords(vnni::kWordRows)) {
    return vnni::kWordRows;
  }
  const int most = form == IntegerForm::kWords ? MULLION_SIMD_CALL(WordTileRows)(groups)
                   : groups <= 3               ? 8
                                               : 6;
  for (const int rows : {12, 8, 6, 4, 2}) {
    if (rows <= most && rows <= left) return rows;
  }
  return 1;
}

void RunIntegerTile(IntegerForm form, int rows, int groups, const IntegerTile& tile) {
#if defined(__x86_64__)
  if (form == IntegerForm::kBytes) return vnni::RunTile(rows, groups, tile);
  if (DotsWords(rows)) return vnni::RunWordTile(groups, tile);
#else
  static_cast<void>(form);
#endif
  MULLION_SIMD_CALL(RunWordTile)(rows, groups, tile);
}

uint32_t SumRow(const uint8_t* row, int64_t count) {
#if defined(__x86_64__)
  return vnni::SumRow(row, count);
#else
  return std::accumulate(row, row + count, uint32_t{0});
#endif
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
