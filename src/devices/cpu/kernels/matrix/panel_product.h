// SPDX-License-Identifier: MIT
// A small matrix product whose right operand is packed once and whose left operand is a few rows
// given by address: the steps of recurrent layers.
//
// Goals: one row at a time at the speed of the cache that holds the weights, and no set-up cost.
// Non-goals: threads, blocking for large sizes.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_PANEL_PRODUCT_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_PANEL_PRODUCT_H_

#include <cstdint>

namespace mullion::cpu {

// Columns come in groups of 16, one AVX-512 vector, whatever the instruction set; a panel has 64
// of them, the last one the rest. Panel p of a product with `depth` rows begins at element
// p * 64 * depth and holds its columns row by row.
inline constexpr int64_t kPanelGroup = 16;
inline constexpr int64_t kPanelWidth = 64;

constexpr int64_t RoundUpToPanelGroup(int64_t columns) {
  return (columns + kPanelGroup - 1) / kPanelGroup * kPanelGroup;
}

// Where element (row, column) of a packed operand of `columns` columns (a multiple of 16) is.
inline int64_t PanelIndex(int64_t row, int64_t column, int64_t depth, int64_t columns) {
  const int64_t first = column / kPanelWidth * kPanelWidth;
  const int64_t width = columns - first < kPanelWidth ? columns - first : kPanelWidth;
  return first * depth + row * width + (column - first);
}

template <typename T>
struct PanelProductArguments {
  const T* const* rows = nullptr;  // `row_count` rows of `depth` elements
  int64_t row_count = 0;
  int64_t depth = 0;
  const T* packed = nullptr;
  int64_t columns = 0;      // a multiple of 16
  const T* init = nullptr;  // what the sums begin with, `init_stride` elements from row to row
  int64_t init_stride = 0;  // 0 for one row for all
  T* out = nullptr;         // may be `init`
  int64_t out_stride = 0;   // less than 16 columns are written over by the next row's
  // Not 0: `packed` is a row-major matrix with this stride instead. float only.
  int64_t row_major_stride = 0;
};

// Columns [begin, end) of out = init + rows x packed; begin is a multiple of 64, end one or
// `columns`. Each sum adds its terms in an order that hangs on row_count and depth alone.
void PanelProduct(const PanelProductArguments<float>& arguments, int64_t begin, int64_t end);
void PanelProduct(const PanelProductArguments<double>& arguments, int64_t begin, int64_t end);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_PANEL_PRODUCT_H_
