// SPDX-License-Identifier: MIT
// The inner loops of integer matrix products: a few rows times a few columns.
//
// Both operands come in units of 32 bits that hold neighbours along the depth, and every
// instruction set has one of two forms:
//
//   kBytes   four bytes, unsigned on the left and signed on the right: vpdpbusd of AVX-512 VNNI
//   kWords   two signed 16-bit numbers: vpmaddwd and its like everywhere else. (vpmaddubsw, which
//            takes bytes, saturates its sums to 16 bits: wrong numbers.)
//
// Sums are int32 that wrap around, so results are the same in either form and in any order.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_TILE_H_

#include <cstdint>

namespace mullion::cpu {

enum class IntegerForm : uint8_t { kBytes, kWords };

// The form of the instruction level in use.
IntegerForm CurrentIntegerForm();

constexpr int64_t ElementBytes(IntegerForm form) { return form == IntegerForm::kBytes ? 1 : 2; }
// Elements in a unit.
constexpr int64_t UnitElements(IntegerForm form) { return form == IntegerForm::kBytes ? 4 : 2; }

// Columns come in groups of 16, one AVX-512 vector of sums.
inline constexpr int64_t kColumnGroup = 16;
inline constexpr int kMaxTileGroups = 4;
inline constexpr int kMaxTileRows = 12;
inline constexpr int64_t kLineBytes = 64;

struct IntegerTile {
  const uint8_t* const* rows;  // row r at tap t: rows[t * tap_stride + r]
  int64_t tap_stride;
  int64_t taps;
  int64_t units;          // of a row at one tap
  const uint8_t* packed;  // [tap][unit][column], 4 bytes each
  int64_t packed_stride;  // bytes from one unit to the next
  const int32_t* init;    // what the sums begin with, one per column
  // What is added to that, one per row; null for nothing. In byte form only.
  const int32_t* row_init;
  int32_t* out;
  int64_t out_stride;
  // Where to fetch a cache line for each unit at each tap, kLineBytes apart; null for nowhere. Only
  // the largest tiles of VNNI do it.
  const uint8_t* ahead;
};

// What tiles fetch ahead, one after the other: weights that come from memory cost little more then
// than those that the cache holds.
struct AheadBytes {
  const uint8_t* at;
  const uint8_t* end;

  // Where a tile of so many bytes fetches them; null when fewer are left.
  const uint8_t* Take(int64_t bytes) {
    if (end - at < bytes) return nullptr;
    at += bytes;
    return at - bytes;
  }
};

// How many rows the next tile should have when `left` are left and it is `groups` column groups
// wide: at most `left`.
int IntegerTileRows(IntegerForm form, int groups, int64_t left);

// `rows` from IntegerTileRows.
void RunIntegerTile(IntegerForm form, int rows, int groups, const IntegerTile& tile);

// Of a row in byte form.
uint32_t SumRow(const uint8_t* row, int64_t count);

namespace vnni {
// In integer_tile_vnni.cc, for processors that have it.
void RunTile(int rows, int groups, const IntegerTile& tile);
// Of words, and always so many rows: 16 chains of four cycles' latency.
inline constexpr int kWordRows = 4;
void RunWordTile(int groups, const IntegerTile& tile);
uint32_t SumRow(const uint8_t* row, int64_t count);
}  // namespace vnni

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_TILE_H_
