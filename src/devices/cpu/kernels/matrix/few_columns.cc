// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/few_columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/few_columns.cc"
#include <algorithm>
#include <array>

#include "base/tensor.h"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_FEW_COLUMNS_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_FEW_COLUMNS_ONCE_
namespace mullion::cpu {

struct FewColumnsTile {
  const float* const* rows;  // rows[tap * kMaxBlockRows + i]
  int64_t taps;
  int64_t depth;
  int64_t columns;
  const float* right;
  float* sums;  // [row][column], added to
};

}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_FEW_COLUMNS_ONCE_

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of the tile that is 1, 2, 3 or 4 columns wide: as many sums as registers hold beside a
// vector of each column and one of a row.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::array<int, 4> kDotRows = {8, 8, 8, 6};
#else
constexpr std::array<int, 4> kDotRows = {8, 4, 3, 2};
#endif

template <int kRows, int kColumns>
HWY_INLINE void DotTile(const FewColumnsTile& t) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sums[kRows][kColumns];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) sums[i][j] = hn::Zero(d);
  }
  const float* right = t.right;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* const* const rows = t.rows + tap * kMaxBlockRows;
    const float* row[kRows];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) row[i] = rows[i];
    int64_t k = 0;
    for (; k + lanes <= t.depth; k += lanes) {
      V column[kColumns];
#pragma GCC unroll 16
      for (int j = 0; j < kColumns; ++j) column[j] = hn::LoadU(d, right + j * t.depth + k);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const V x = hn::LoadU(d, row[i] + k);
#pragma GCC unroll 16
        for (int j = 0; j < kColumns; ++j) sums[i][j] = hn::MulAdd(x, column[j], sums[i][j]);
      }
    }
    if (k < t.depth) {
      const auto rest = static_cast<size_t>(t.depth - k);
      for (int j = 0; j < kColumns; ++j) {
        const V column = LoadFirst(d, right + j * t.depth + k, rest);
        for (int i = 0; i < kRows; ++i) {
          sums[i][j] = hn::MulAdd(LoadFirst(d, row[i] + k, rest), column, sums[i][j]);
        }
      }
    }
    right += kColumns * t.depth;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) {
      t.sums[i * kColumns + j] += hn::GetLane(hn::SumOfLanes(d, sums[i][j]));
    }
  }
}

template <int kColumns>
void DotRowsOf(FewColumnsTile t, int64_t rows) {
  constexpr int kRows = kDotRows[static_cast<size_t>(kColumns - 1)];
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    DotTile<kRows, kColumns>(t);
    t.rows += kRows;
    t.sums += kRows * kColumns;
  }
  for (; row < rows; ++row) {
    DotTile<1, kColumns>(t);
    ++t.rows;
    t.sums += kColumns;
  }
}

void DotRows(const FewColumnsTile& t, int64_t rows) {
  switch (t.columns) {
    case 1:
      DotRowsOf<1>(t, rows);
      break;
    case 2:
      DotRowsOf<2>(t, rows);
      break;
    case 3:
      DotRowsOf<3>(t, rows);
      break;
    default:
      DotRowsOf<4>(t, rows);
      break;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Taps whose row addresses are held at once.
constexpr int64_t kMaxTaps = 256;

// One worker's memory: sums of a block of rows, then the addresses of its rows.
size_t WorkerBytes(const MatrixProduct& product) {
  constexpr size_t kSums = kMaxBlockRows * kFewColumns * sizeof(float);
  const auto addresses =
      static_cast<size_t>(std::min(product.taps, kMaxTaps) * kMaxBlockRows) * sizeof(float*);
  return (kSums + addresses + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
}

// Rows [first, first + count): sums of all taps in `sums`, begun with the bias.
void SumBlock(const MatrixProduct& product, RowMaker make_rows, int64_t first, int64_t count,
              float* sums, const float** addresses) {
  const int64_t columns = product.blocks.columns;
  const float* const bias = product.epilogue.bias;
  std::fill_n(sums, count * columns, 0.0f);
  // Without a division for each sum, which takes longer than its products.
  for (int64_t i = 0; bias != nullptr && i < count * columns; i += columns) {
    std::copy_n(bias, columns, sums + i);
  }
  for (int64_t tap = 0; tap < product.taps; tap += kMaxTaps) {
    FewColumnsTile tile;
    tile.taps = std::min(kMaxTaps, product.taps - tap);
    make_rows({0, first, count, tap, tile.taps, addresses, kMaxBlockRows, nullptr});
    tile.rows = addresses;
    tile.depth = product.depth;
    tile.columns = columns;
    tile.right = product.right + tap * columns * product.depth;
    tile.sums = sums;
    MULLION_SIMD_CALL(DotRows)(tile, count);
  }
}

// Output rows of `count` rows of sums, in runs that lie at equal distances.
void FinishBlock(const MatrixProduct& product, int64_t first, int64_t count, const float* sums) {
  const Epilogue& epilogue = product.epilogue;
  ActivationRows rows;
  rows.columns = rows.x_stride = product.blocks.columns;
  for (int64_t row = 0; row < count; row += rows.count) {
    const int64_t length = product.lines.length;
    const int64_t at = product.lines.RowOf(first + row);
    rows.count = length == 0 ? count : std::min(count - row, length - (first + row) % length);
    rows.x = sums + row * rows.columns;
    rows.out = product.out + at * product.out_stride;
    rows.out_stride = product.lines.step * product.out_stride;
    if (epilogue.residual != nullptr) {
      rows.residual = epilogue.residual + at * epilogue.residual_stride;
      rows.residual_stride = product.lines.step * epilogue.residual_stride;
    }
    ActivateRows(epilogue.activation, rows);
  }
}

}  // namespace

void PackFewColumns(const RightSource& source, int64_t columns, float* packed) {
  const float* const all = source.Columns(0, columns);
  for (int64_t tap = 0; tap < source.taps; ++tap) {
    for (int64_t column = 0; column < columns; ++column) {
      const float* const from = all + tap * source.tap_stride + column * source.column_stride;
      for (int64_t k = 0; k < source.depth; ++k) *packed++ = from[k * source.depth_stride];
    }
  }
}

size_t FewColumnsScratchBytes(const MatrixProduct& product, int threads) {
  return WorkerBytes(product) * static_cast<size_t>(threads);
}

void MultiplyFewColumns(const MatrixProduct& product, RowMaker rows, void* scratch,
                        Parallel& parallel) {
  constexpr int64_t kLeastWork = 500'000;  // multiply-adds of a chunk
  const int64_t work = product.blocks.columns * product.taps * product.depth;
  const int64_t chunk =
      std::clamp(kLeastWork / std::max<int64_t>(work, 1), int64_t{8}, kMaxBlockRows);
  parallel.For(product.rows, chunk, [&](int64_t begin, int64_t end, int worker) {
    auto* const sums = reinterpret_cast<float*>(static_cast<char*>(scratch) +
                                                WorkerBytes(product) * static_cast<size_t>(worker));
    auto* const addresses = reinterpret_cast<const float**>(sums + kMaxBlockRows * kFewColumns);
    SumBlock(product, rows, begin, end - begin, sums, addresses);
    FinishBlock(product, begin, end - begin, sums);
  });
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
