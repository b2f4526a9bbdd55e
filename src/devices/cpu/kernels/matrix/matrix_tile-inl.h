// SPDX-License-Identifier: MIT
// The register tiles of the matrix kernel (see matrix_kernel.h).

#if defined(MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "devices/cpu/kernels/matrix/matrix_tile.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/registers-inl.h"

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
// Blocks of the widest kind that a single row takes at once. Such a product is as quick as memory,
// which gives several streams a fifth faster than one; where registers are short its sums would
// also wait for each other.
inline constexpr int kRowPanels = 4;

// Where one of the tiles of a call stands.
struct TilePlace {
  int64_t offset;  // of its rows from their addresses
  const float* ahead;
  const float* start;
  const float* residual;
  float* out;
};

// The vectors of a tile's row, the last of which may be half of one. Where there are others beside
// it, two rows' halves are one vector while products are added, that of the first: processors that
// compute 512 bits at once take as long for 256. Rows of nothing else are bound by what is loaded.
template <int kVectors, bool kHalf>
struct TileRow {
  using D = hwy::HWY_NAMESPACE::ScalableTag<float>;
  using LastD = std::conditional_t<kHalf, hwy::HWY_NAMESPACE::Half<D>, D>;
  using V = hwy::HWY_NAMESPACE::Vec<D>;
  static constexpr int kFirst = kVectors - 1;
  static constexpr bool kPairs = kHalf && kFirst > 0;

  // One that the compiler made would not be for this instruction set, as NEON's vectors want.
  HWY_INLINE TileRow() {}

  static HWY_INLINE int64_t Lanes() { return static_cast<int64_t>(hwy::HWY_NAMESPACE::Lanes(D())); }
  static HWY_INLINE int64_t LastLanes() { return kHalf ? Lanes() / 2 : Lanes(); }

  HWY_INLINE void Load(const float* from) { LoadPanels<1>(from, 0); }
  // Equal parts, `step` floats apart.
  template <int kPanels>
  HWY_INLINE void LoadPanels(const float* from, int64_t step) {
    namespace hn = hwy::HWY_NAMESPACE;
    constexpr int kEach = kVectors / kPanels;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) {
      first[j] = hn::LoadU(D(), from + j / kEach * step + j % kEach * Lanes());
    }
    SetLast(hn::LoadU(LastD(), from + kFirst / kEach * step + kFirst % kEach * Lanes()));
  }
  // Brings the halves of two rows together.
  HWY_INLINE void JoinLast([[maybe_unused]] const TileRow& next) {
#if HWY_TARGET == HWY_AVX3
    if constexpr (kPairs) last = hwy::HWY_NAMESPACE::Combine(D(), next.Last(), Last());
#endif
  }
  // A half vector as often as a vector holds it.
  HWY_INLINE void RepeatLast([[maybe_unused]] const float* from) {
#if HWY_TARGET == HWY_AVX3
    if constexpr (kPairs)
      last = V{_mm512_broadcast_f32x8(_mm256_loadu_ps(from + kFirst * Lanes()))};
#endif
  }
  HWY_INLINE void PartLast([[maybe_unused]] TileRow& next) const {
#if HWY_TARGET == HWY_AVX3
    if constexpr (kPairs) next.SetLast(hwy::HWY_NAMESPACE::UpperHalf(LastD(), last));
#endif
  }
  HWY_INLINE void AddProducts(V left, const TileRow& right) {
    namespace hn = hwy::HWY_NAMESPACE;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) first[j] = hn::MulAdd(left, right.first[j], first[j]);
    if constexpr (kPairs) return;
    if constexpr (kHalf) {
      SetLast(hn::MulAdd(hn::LowerHalf(LastD(), left), right.Last(), Last()));
    } else {
      last = hn::MulAdd(left, right.last, last);
    }
  }
  // Of this row and the next, whose halves are together.
  HWY_INLINE void AddLastProducts([[maybe_unused]] V left, [[maybe_unused]] V next_left,
                                  [[maybe_unused]] const TileRow& right) {
#if HWY_TARGET == HWY_AVX3
    namespace hn = hwy::HWY_NAMESPACE;
    last = hn::MulAdd(hn::ConcatUpperLower(D(), next_left, left), right.last, last);
#endif
  }
  HWY_INLINE void Add(const float* residual, size_t last_columns) {
    namespace hn = hwy::HWY_NAMESPACE;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) {
      first[j] = hn::Add(first[j], hn::LoadU(D(), residual + j * Lanes()));
    }
    SetLast(hn::Add(Last(), LoadFirst(LastD(), residual + kFirst * Lanes(), last_columns)));
  }
  HWY_INLINE void Clear() {
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) first[j] = hwy::HWY_NAMESPACE::Zero(D());
    last = hwy::HWY_NAMESPACE::Zero(D());
  }
  HWY_INLINE void Add(const TileRow& other) {
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) first[j] = hwy::HWY_NAMESPACE::Add(first[j], other.first[j]);
    last = hwy::HWY_NAMESPACE::Add(last, other.last);
  }
  HWY_INLINE void AddProduct(float left, const float* right) {
    TileRow columns;
    columns.Load(right);
    AddProducts(hwy::HWY_NAMESPACE::Set(D(), left), columns);
  }
  HWY_INLINE void RaiseTo(float low) {
    namespace hn = hwy::HWY_NAMESPACE;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) first[j] = AtLeast(D(), first[j], hn::Set(D(), low));
    SetLast(AtLeast(LastD(), Last(), hn::Set(LastD(), low)));
  }
  HWY_INLINE void LowerTo(float high) {
    namespace hn = hwy::HWY_NAMESPACE;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) first[j] = AtMost(D(), first[j], hn::Set(D(), high));
    SetLast(AtMost(LastD(), Last(), hn::Set(LastD(), high)));
  }
  // The last vector is for StoreLast where it is not to be stored as a whole.
  HWY_INLINE void Store(float* out, bool whole) const {
    namespace hn = hwy::HWY_NAMESPACE;
#pragma GCC unroll 32
    for (int j = 0; j < kFirst; ++j) hn::StoreU(first[j], D(), out + j * Lanes());
    if (whole) hn::StoreU(Last(), LastD(), out + kFirst * Lanes());
  }
  HWY_INLINE void StoreLast(float* out, size_t columns) const {
    StoreFirst(Last(), LastD(), out + kFirst * Lanes(), columns);
  }

  V first[kFirst == 0 ? 1 : kFirst];
  V last;

 private:
  HWY_INLINE hwy::HWY_NAMESPACE::Vec<LastD> Last() const {
    if constexpr (kHalf) {
      return hwy::HWY_NAMESPACE::LowerHalf(LastD(), last);
    } else {
      return last;
    }
  }
  HWY_INLINE void SetLast(hwy::HWY_NAMESPACE::Vec<LastD> to) {
#if HWY_TARGET == HWY_AVX3
    if constexpr (kHalf) {
      last = V{_mm512_castps256_ps512(to.raw)};
      return;
    }
#endif
    if constexpr (!kHalf) last = to;
  }
};

// Adds to all rows the products of a value of each, whose address `at` gives, with a row of the
// right operand.
template <int kRows, class Row, class At>
HWY_INLINE void AddValues(Row (&sums)[kRows], const Row& columns, At at) {
  namespace hn = hwy::HWY_NAMESPACE;
  typename Row::V left[2];
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) {
    left[i % 2] = hn::Set(typename Row::D(), *at(i));
    sums[i].AddProducts(left[i % 2], columns);
    if constexpr (Row::kPairs) {
      if (i % 2 != 0) sums[i - 1].AddLastProducts(left[0], left[1], columns);
    }
  }
}

// Adds the products of rows by address.
template <int kPanels, int kRows, class Row>
HWY_INLINE void AddRows(const TileArguments& t, Row (&sums)[kRows]) {
  const float* HWY_RESTRICT right = t.right;
  const int64_t right_stride = t.right_stride;
  const int64_t panel_step = t.panel_step;
  const float* ahead = t.ahead;
  const int64_t ahead_step = t.ahead_step;
  const int64_t ahead_second = t.ahead_second;
  const float* const* tap_rows = t.rows;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* row[kRows];
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) row[i] = tap_rows[i] + t.first;
    tap_rows += t.row_stride;
    for (int64_t k = 0; k < t.depth; ++k) {
      Row columns;
      columns.template LoadPanels<kPanels>(right, panel_step);
      columns.RepeatLast(right);
      AddValues(sums, columns, [&](int i) HWY_ATTR { return row[i] + k; });
      right += right_stride;
      if constexpr (kPanels > 1) continue;
      __builtin_prefetch(ahead, 0, 2);
      __builtin_prefetch(ahead + ahead_second, 0, 2);
      ahead += ahead_step;
    }
  }
}

// The same for rows at equal distances: each of four registers holds the addresses of three rows,
// and nothing but the first is loaded for a tap. `kFetches`: whether there is something to fetch
// ahead, which takes a place among the loads that short sums lack.
template <bool kFetches, int kRows, class Row>
HWY_INLINE void AddEvenRows(const TileArguments& t, TilePlace& place, Row (&sums)[kRows]) {
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
      Row columns;
      columns.Load(right);
      columns.RepeatLast(right);
      AddValues(sums, columns, [&](int i) HWY_ATTR { return row[i / 3] + i % 3 * step; });
#pragma GCC unroll 4
      for (int i = 0; i * 3 < kRows; ++i) {
        ++row[i];
        KeepPointer(row[i]);
      }
      right += right_stride;
      if constexpr (kFetches) {
        __builtin_prefetch(ahead, 0, 2);
        __builtin_prefetch(ahead + t.ahead_second, 0, 2);
        ahead += t.ahead_step;
      }
    }
  }
  place.ahead = ahead;
}

// Adds the products of the only row, in kChains sums of values so far apart, as one vector's sums
// wait for each addition.
template <int kChains, class Row>
HWY_INLINE void AddChains(const TileArguments& t, Row& sum) {
  Row sums[kChains];
  sums[0] = sum;
#pragma GCC unroll 32
  for (int i = 1; i < kChains; ++i) sums[i].Clear();
  const float* HWY_RESTRICT right = t.right;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* const row = t.rows[tap * t.row_stride] + t.first;
    int64_t k = 0;
    for (; k + kChains <= t.depth; k += kChains) {
#pragma GCC unroll 32
      for (int i = 0; i < kChains; ++i, right += t.right_stride) {
        sums[i].AddProduct(row[k + i], right);
      }
    }
    for (; k < t.depth; ++k, right += t.right_stride) sums[0].AddProduct(row[k], right);
  }
#pragma GCC unroll 32
  for (int step = kChains / 2; step > 0; step /= 2) {
#pragma GCC unroll 32
    for (int i = 0; i < step; ++i) sums[i].Add(sums[i + step]);
  }
  sum = sums[0];
}

template <int kRows, int kVectors, bool kHalf, int kPanels, int kChains>
HWY_INLINE void OneTile(const TileArguments& t, TilePlace& place) {
  using Row = TileRow<kPanels * kVectors, kHalf>;
  Row sums[kRows];
  if (t.start_stride == 0) {
    sums[0].Load(place.start);
#pragma GCC unroll 32
    for (int i = 1; i < kRows; ++i) sums[i] = sums[0];
  } else {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) sums[i].Load(place.start + i * t.start_stride);
  }
#pragma GCC unroll 32
  for (int i = 0; i + 1 < kRows; i += 2) sums[i].JoinLast(sums[i + 1]);
  bool even = false;
  if constexpr (kChains > 1) {
    AddChains<kChains>(t, sums[0]);
    even = true;
  }
  if constexpr (kRows == kTileRows[static_cast<size_t>(kVectors - 1)]) {
    even = t.row_step != 0;
    if (even && (kHalf || t.ahead_step != 0)) AddEvenRows<true>(t, place, sums);
    if (even && !kHalf && t.ahead_step == 0) AddEvenRows<false>(t, place, sums);
  }
  if (!even) AddRows<kPanels>(t, sums);
#pragma GCC unroll 32
  for (int i = 0; i + 1 < kRows; i += 2) sums[i].PartLast(sums[i + 1]);
  const bool whole = t.last_columns >= Row::LastLanes();
  const auto last_columns = static_cast<size_t>(whole ? Row::LastLanes() : t.last_columns);
  if (t.residual != nullptr) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      sums[i].Add(place.residual + i * t.residual_stride, last_columns);
    }
  }
  if (t.finish != TileFinish::kStore) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) sums[i].RaiseTo(t.low);
  }
  if (t.finish == TileFinish::kClamp) {
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) sums[i].LowerTo(t.high);
  }
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) sums[i].Store(place.out + i * t.out_stride, whole);
  if (whole) return;
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i) sums[i].StoreLast(place.out + i * t.out_stride, last_columns);
}

template <int kRows, int kVectors, bool kHalf = false, int kPanels = 1, int kChains = 1>
HWY_NOINLINE void Tile(const TileArguments& t) {
  constexpr bool kWhole = kRows == kTileRows[static_cast<size_t>(kVectors - 1)];
  TilePlace place{t.first, t.ahead, t.start, t.residual, t.out};
  for (int64_t more = kWhole && t.row_step != 0 ? t.tiles : 1;;) {
    OneTile<kRows, kVectors, kHalf, kPanels, kChains>(t, place);
    if (!kWhole || --more == 0) return;
    place.offset += kRows * t.row_step;
    place.start += kRows * t.start_stride;
    if (t.residual != nullptr) place.residual += kRows * t.residual_stride;
    place.out += kRows * t.out_stride;
  }
}

// Where fewer rows are left than the tile of all rows has, so many at a time are taken by tiles of
// their own: six hide the latency of the additions, so one more call is all that larger ones would
// save. What takes two calls is halved, as a few rows wait for their own additions.
inline constexpr int kMostRowsLeft = 6;

// Whether a row would be left alone behind the last tile of all rows, and that tile with it is two
// of some rows each.
inline bool LeavesLoneRow(int64_t left, int tile_rows) {
  return left == tile_rows + 1 && left <= 2 * kMostRowsLeft;
}

// Rows of the next tile where so many are left.
inline int RowsOfTile(int64_t left, int tile_rows) {
  if (left >= tile_rows && !LeavesLoneRow(left, tile_rows)) return tile_rows;
  return static_cast<int>(left > std::min(kMostRowsLeft, tile_rows) ? (left + 1) / 2 : left);
}

template <int kVectors, int... kRows>
constexpr std::array<TileFunction, sizeof...(kRows)> TilesOfWidth(
    std::integer_sequence<int, kRows...> /*rows*/) {
  return {&Tile<kRows + 1, kVectors>...};
}
template <int kVectors>
TileFunction TileOfWidth(int rows) {
  constexpr int kAllRows = kTileRows[static_cast<size_t>(kVectors - 1)];
  static constexpr auto kTiles =
      TilesOfWidth<kVectors>(std::make_integer_sequence<int, std::min(kMostRowsLeft, kAllRows)>());
  return rows == kAllRows ? &Tile<kAllRows, kVectors> : kTiles[static_cast<size_t>(rows - 1)];
}

// The tile of exactly `rows` rows, which RowsOfTile gave.
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

// The tile of one row by kRowPanels blocks of the widest kind.
inline TileFunction FindRowTile() { return &Tile<1, kMaxTileVectors, false, kRowPanels>; }

// The tile for a product of one row and one vector.
inline TileFunction FindLoneTile() { return &Tile<1, 1, false, 1, 8>; }

// The tile of all rows where so many columns of the last vector are wanted. Vectors of 16 would
// leave a quarter of the multiplications to padding where there are 24 columns or 34.
inline TileFunction FindWholeTile(int vectors, [[maybe_unused]] int64_t last_columns) {
#if HWY_TARGET == HWY_AVX3
  static constexpr std::array<TileFunction, 4> kEndInHalf = {
      &Tile<kTileRows[0], 1, true>, &Tile<kTileRows[1], 2, true>, &Tile<kTileRows[2], 3, true>,
      &Tile<kTileRows[3], 4, true>};
  if (last_columns <= TileRow<1, true>::LastLanes()) {
    return kEndInHalf[static_cast<size_t>(vectors - 1)];
  }
#endif
  return FindTile(vectors, kTileRows[static_cast<size_t>(vectors - 1)]);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_MATRIX_TILE_INL_H_
