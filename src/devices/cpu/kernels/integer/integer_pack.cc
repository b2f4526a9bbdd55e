// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_pack.h"

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kPackedColumns = kMaxTileGroups * kColumnGroup;

// One panel's place in an operand.
struct PackedPanel {
  PackedPanel(const IntegerPanels& panels, int64_t panel)
      : first(panels.FirstColumn(panel)),
        columns(std::min(panels.FirstColumn(panel + 1), panels.columns) - first),
        width(panels.Groups(panel) * kColumnGroup) {}
  int64_t first;
  int64_t columns;
  int64_t width;  // columns that are packed
};

// Columns one below the other, some units of one tap at a time: units are numbers that are then
// transposed.
template <typename From, typename To>
void PackColumns(const IntegerPanels& panels, const IntegerSource& source, const PackedPanel& panel,
                 const To* zeros, uint8_t* packed) {
  constexpr int64_t kElements = 256 / int64_t{sizeof(To)};
  To columns[kPackedColumns][kElements] = {};
  for (int64_t tap = 0; tap < panels.taps; ++tap) {
    for (int64_t k = 0; k < panels.depth; k += kElements) {
      const int64_t count = std::min(kElements, panels.depth - k);
      const int64_t units = (count * int64_t{sizeof(To)} + 3) / 4;
      for (int64_t c = 0; c < panel.columns; ++c) {
        const From* const from = static_cast<const From*>(source.data) +
                                 (panel.first + c) * source.column_stride +
                                 tap * source.tap_stride + k * source.depth_stride;
        const int64_t stride = source.depth_stride;
        const To zero = zeros[c];
#pragma GCC unroll 1
        for (int64_t i = 0; i < count; ++i)
          columns[c][i] = static_cast<To>(from[i * stride] - zero);
        // The last unit may have room left.
        std::fill(columns[c] + count, columns[c] + units * 4 / int64_t{sizeof(To)}, To{});
      }
      TransposeTile(4, reinterpret_cast<const uint8_t*>(columns), sizeof(columns[0]), packed,
                    4 * panel.width, static_cast<size_t>(panel.width), static_cast<size_t>(units));
      packed += units * 4 * panel.width;
    }
  }
}

// Row by row, where columns are neighbours.
template <typename From, typename To>
void PackRows(const IntegerPanels& panels, const IntegerSource& source, const PackedPanel& panel,
              const To* zeros, uint8_t* packed) {
  constexpr int64_t kUnit = 4 / int64_t{sizeof(To)};
  To rows[kUnit][kPackedColumns] = {};
  for (int64_t tap = 0; tap < panels.taps; ++tap) {
    const From* from =
        static_cast<const From*>(source.data) + tap * source.tap_stride + panel.first;
    for (int64_t k = 0; k < panels.depth; k += kUnit, packed += 4 * panel.width) {
      for (int64_t i = 0; i < kUnit; ++i, from += source.depth_stride) {
        if (k + i == panels.depth) {
          std::memset(rows[i], 0, static_cast<size_t>(kUnit - i) * sizeof(rows[0]));
          break;
        }
        for (int64_t c = 0; c < panel.columns; ++c) {
          rows[i][c] = static_cast<To>(from[c] - zeros[c]);
        }
      }
      // Always of a whole panel, as vectors take it.
      uint8_t units[4 * kPackedColumns];
      const bool whole = panel.width == kPackedColumns;
      Interleave(sizeof(To), kUnit, reinterpret_cast<const uint8_t*>(rows), sizeof(rows[0]),
                 whole ? packed : units, kPackedColumns);
      if (!whole) std::memcpy(packed, units, static_cast<size_t>(4 * panel.width));
    }
  }
}

template <typename To>
void Pack(const IntegerPanels& panels, const IntegerSource& source, const PackedPanel& panel,
          const To* zeros, uint8_t* packed) {
  const bool by_rows = source.column_stride == 1;
  if (source.is_signed) {
    (by_rows ? PackRows<int8_t, To> : PackColumns<int8_t, To>)(panels, source, panel, zeros,
                                                               packed);
  } else {
    (by_rows ? PackRows<uint8_t, To> : PackColumns<uint8_t, To>)(panels, source, panel, zeros,
                                                                 packed);
  }
}

// The sums of a panel's columns: its product with a row of ones, some units at a time.
void SumColumns(const IntegerPanels& panels, const PackedPanel& panel, const uint8_t* packed,
                int32_t* sums) {
  constexpr int64_t kUnits = 64;
  uint8_t ones[4 * kUnits];
  std::memset(ones, 1, sizeof(ones));
  const uint8_t* const row = ones;
  std::fill_n(sums, panel.width, 0);
  IntegerTile tile{};
  tile.rows = &row;
  tile.taps = 1;
  tile.packed_stride = 4 * panel.width;
  tile.init = sums;
  tile.out = sums;
  const int64_t units = panels.taps * panels.units();
  for (int64_t unit = 0; unit < units; unit += kUnits) {
    tile.units = std::min(kUnits, units - unit);
    tile.packed = packed + unit * tile.packed_stride;
    RunIntegerTile(panels.form, 1, static_cast<int>(panel.width / kColumnGroup), tile);
  }
}

}  // namespace

void PackIntegerPanel(const IntegerPanels& panels, const IntegerSource& source,
                      const int32_t* zero_points, int64_t index, uint8_t* packed) {
  const PackedPanel panel(panels, index);
  uint8_t* const to = packed + panel.first * panels.column_bytes();
  if (panels.form == IntegerForm::kBytes) {
    // Less 128 is more by -128 in numbers of 8 bits.
    int8_t zeros[kPackedColumns];
    std::memset(zeros, source.is_signed ? 0 : 128, sizeof(zeros));
    Pack(panels, source, panel, zeros, to);
    auto* const sums = reinterpret_cast<int32_t*>(packed + panels.panel_bytes());
    SumColumns(panels, panel, to, sums + panel.first);
  } else {
    int16_t zeros[kPackedColumns] = {};
    for (int64_t c = 0; zero_points != nullptr && c < panel.columns; ++c) {
      zeros[c] = static_cast<int16_t>(zero_points[panel.first + c]);
    }
    Pack(panels, source, panel, zeros, to);
  }
}

void PackIntegers(const IntegerPanels& panels, const IntegerSource& source,
                  const int32_t* zero_points, uint8_t* packed) {
  for (int64_t panel = 0; panel < panels.count(); ++panel) {
    PackIntegerPanel(panels, source, zero_points, panel, packed);
  }
}

}  // namespace mullion::cpu
