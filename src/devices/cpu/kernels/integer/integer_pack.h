// SPDX-License-Identifier: MIT
// The right operand of integer matrix products, packed for kernels/integer/integer_tile.h.
//
// Columns are cut into panels of at most four groups of 16, as few and as even as possible. In byte
// form numbers are shifted to signed ones (by -128 where they were unsigned) and the sum of each
// column follows the panels; in word form zero points are subtracted.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PACK_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PACK_H_

#include <algorithm>
#include <cstdint>

#include "devices/cpu/kernels/integer/integer_tile.h"

namespace mullion::cpu {

struct IntegerPanels {
  IntegerForm form = IntegerForm::kWords;
  int64_t columns = 0;
  int64_t taps = 1;
  int64_t depth = 0;  // elements of a row at one tap

  int64_t groups() const { return (columns + kColumnGroup - 1) / kColumnGroup; }
  int64_t padded_columns() const { return groups() * kColumnGroup; }
  int64_t count() const { return (groups() + kMaxTileGroups - 1) / kMaxTileGroups; }
  // For panels in [0, count()]; the last is the end.
  int64_t FirstGroup(int64_t panel) const {
    return panel * (groups() / count()) + std::min(panel, groups() % count());
  }
  int64_t FirstColumn(int64_t panel) const { return FirstGroup(panel) * kColumnGroup; }
  int Groups(int64_t panel) const {
    return static_cast<int>(FirstGroup(panel + 1) - FirstGroup(panel));
  }
  int64_t units() const { return (depth + UnitElements(form) - 1) / UnitElements(form); }
  // Bytes of one column, of all panels, and of everything, which is a multiple of 64.
  int64_t column_bytes() const { return taps * units() * 4; }
  int64_t panel_bytes() const { return padded_columns() * column_bytes(); }
  int64_t bytes() const {
    return panel_bytes() + (form == IntegerForm::kBytes ? padded_columns() * 4 : 0);
  }
  const int32_t* ColumnSums(const uint8_t* packed) const {
    return reinterpret_cast<const int32_t*>(packed + panel_bytes());
  }
};

// Element (tap, k) of column n is data[n * column_stride + tap * tap_stride + k * depth_stride].
struct IntegerSource {
  const void* data;
  bool is_signed;
  int64_t column_stride;
  int64_t tap_stride;
  int64_t depth_stride;
};

// Zero points, one per column or null for zeros, matter in word form only.
void PackIntegers(const IntegerPanels& panels, const IntegerSource& source,
                  const int32_t* zero_points, uint8_t* packed);
// One panel of them, in its place. All panels make everything.
void PackIntegerPanel(const IntegerPanels& panels, const IntegerSource& source,
                      const int32_t* zero_points, int64_t panel, uint8_t* packed);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_PACK_H_
