// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/panel_product.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/panel_product.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
constexpr int kVectorsPerGroup = static_cast<int>(kPanelGroup) / kLanes;

// Accumulators must fit the registers beside one row of weights and one broadcast: 32 registers on
// AVX-512 and NEON, 16 elsewhere.
constexpr int kMostRows = kVectorsPerGroup == 1 ? 6 : kVectorsPerGroup == 2 ? 6 : 2;
// Column groups of a tile with several rows, and with one row.
constexpr int kTileGroups = kVectorsPerGroup == 1 ? 4 : 1;
constexpr int kRowsOfOneVector = kVectorsPerGroup == 1 ? 12 : 0;
constexpr int kRowGroups = kVectorsPerGroup <= 2 ? 4 : 1;

struct TileArguments {
  const float* const* rows;
  int64_t depth;
  const float* packed;
  int64_t packed_stride;
  const float* init;
  int64_t init_stride;
  float* out;
  int64_t out_stride;
};

// One row: several sums per column, so that additions do not wait for each other.
template <int kGroups>
void RowTile(const TileArguments& t) {
  constexpr int kVectors = kGroups * kVectorsPerGroup;
  constexpr int kSums = kVectors >= 8 ? 1 : kVectors >= 3 ? 2 : 4;
  const D d;
  const float* const row = t.rows[0];
  const float* packed = t.packed;
  V sums[kSums][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    sums[0][v] = hn::LoadU(d, t.init + v * kLanes);
    for (int s = 1; s < kSums; ++s) sums[s][v] = hn::Zero(d);
  }
  int64_t k = 0;
  for (; k + kSums <= t.depth; k += kSums) {
#pragma GCC unroll 4
    for (int s = 0; s < kSums; ++s) {
      const V a = hn::Set(d, row[k + s]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sums[s][v] = hn::MulAdd(a, hn::LoadU(d, packed + v * kLanes), sums[s][v]);
      }
      packed += t.packed_stride;
    }
  }
  for (; k < t.depth; ++k) {
    const V a = hn::Set(d, row[k]);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sums[0][v] = hn::MulAdd(a, hn::LoadU(d, packed + v * kLanes), sums[0][v]);
    }
    packed += t.packed_stride;
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    V sum = sums[0][v];
    if constexpr (kSums == 2) sum = hn::Add(sum, sums[1][v]);
    if constexpr (kSums == 4) {
      sum = hn::Add(hn::Add(sum, sums[1][v]), hn::Add(sums[2][v], sums[3][v]));
    }
    hn::StoreU(sum, d, t.out + v * kLanes);
  }
}

template <int kRows, int kGroups>
void Tile(const TileArguments& t) {
  constexpr int kVectors = kGroups * kVectorsPerGroup;
  const D d;
  const float* row[kRows];
  V sums[kRows][kVectors];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    row[r] = t.rows[r];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::LoadU(d, t.init + r * t.init_stride + v * kLanes);
    }
  }
  const float* packed = t.packed;
  for (int64_t k = 0; k < t.depth; ++k) {
    V b[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) b[v] = hn::LoadU(d, packed + v * kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const V a = hn::Set(d, row[r][k]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(a, b[v], sums[r][v]);
    }
    packed += t.packed_stride;
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(sums[r][v], d, t.out + r * t.out_stride + v * kLanes);
    }
  }
}

template <int kRows>
void TileOfGroups(const TileArguments& t, int groups) {
  if constexpr (kRows == 1) {
    if constexpr (kRowGroups >= 4) {
      if (groups == 4) return RowTile<4>(t);
      if (groups == 3) return RowTile<3>(t);
      if (groups == 2) return RowTile<2>(t);
    }
    return RowTile<1>(t);
  } else {
    if constexpr (kTileGroups >= 4) {
      if (groups == 4) return Tile<kRows, 4>(t);
      if (groups == 3) return Tile<kRows, 3>(t);
      if (groups == 2) return Tile<kRows, 2>(t);
    }
    return Tile<kRows, 1>(t);
  }
}

// Rows are taken six, then four or two, then one at a time; twelve where there is one vector of
// columns, as six sums wait for themselves.
int RowsOfTile(int64_t left, int groups) {
  if (kRowsOfOneVector > 0 && groups == 1 && left >= kRowsOfOneVector) return kRowsOfOneVector;
  if (kMostRows >= 6 && left >= 6) return 6;
  if (kMostRows >= 4 && left >= 4) return 4;
  return left >= 2 ? 2 : 1;
}

}  // namespace

void PanelProductSimd(const PanelProductArguments<float>& p, int64_t begin, int64_t end) {
  for (int64_t first = begin; first < end; first += kPanelWidth) {
    const int64_t width = std::min(kPanelWidth, p.columns - first);
    const bool row_major = p.row_major_stride != 0;
    const float* const panel = p.packed + (row_major ? first : first * p.depth);
    const int panel_groups = static_cast<int>(width / kPanelGroup);
    int rows = 0;
    for (int64_t m = 0; m < p.row_count; m += rows) {
      rows = RowsOfTile(p.row_count - m, panel_groups);
      const int most = rows == 1 ? kRowGroups : kTileGroups;
      for (int g = 0; g < panel_groups; g += most) {
        const int groups = std::min(most, panel_groups - g);
        const int64_t column = first + g * kPanelGroup;
        const TileArguments tile{p.rows + m,
                                 p.depth,
                                 panel + g * kPanelGroup,
                                 row_major ? p.row_major_stride : width,
                                 p.init + m * p.init_stride + column,
                                 p.init_stride,
                                 p.out + m * p.out_stride + column,
                                 p.out_stride};
        if (rows == 1) TileOfGroups<1>(tile, groups);
        if (rows == 2) TileOfGroups<2>(tile, groups);
        if constexpr (kRowsOfOneVector > 0) {
          if (rows == kRowsOfOneVector) Tile<kRowsOfOneVector, 1>(tile);
        }
        if constexpr (kMostRows >= 6) {
          if (rows == 4) TileOfGroups<4>(tile, groups);
          if (rows == 6) TileOfGroups<6>(tile, groups);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void PanelProduct(const PanelProductArguments<float>& arguments, int64_t begin, int64_t end) {
  MULLION_SIMD_CALL(PanelProductSimd)(arguments, begin, end);
}

void PanelProduct(const PanelProductArguments<double>& p, int64_t begin, int64_t end) {
  for (int64_t first = begin; first < end; first += kPanelWidth) {
    const int64_t width = std::min(kPanelWidth, p.columns - first);
    for (int64_t m = 0; m < p.row_count; ++m) {
      double sums[kPanelWidth];
      std::copy_n(p.init + m * p.init_stride + first, width, sums);
      const double* packed = p.packed + first * p.depth;
      for (int64_t k = 0; k < p.depth; ++k, packed += width) {
        for (int64_t j = 0; j < width; ++j) sums[j] += p.rows[m][k] * packed[j];
      }
      std::copy_n(sums, width, p.out + m * p.out_stride + first);
    }
  }
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
