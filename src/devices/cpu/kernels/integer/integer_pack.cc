// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_pack.h"

#include <cstring>

namespace mullion::cpu {

namespace {

// One column: `stride` bytes lie between its units. Returns the sum of what was written.
template <typename From, typename To>
int32_t PackColumn(const IntegerPanels& panels, const IntegerSource& source, int64_t column,
                   int32_t zero_point, int64_t stride, uint8_t* packed) {
  constexpr int64_t kUnit = 4 / int64_t{sizeof(To)};
  const From* const from = static_cast<const From*>(source.data) + column * source.column_stride;
  int32_t sum = 0;
  for (int64_t tap = 0; tap < panels.taps; ++tap) {
    for (int64_t k = 0; k < panels.depth; k += kUnit, packed += stride) {
      To unit[kUnit] = {};
      for (int64_t i = 0; i < kUnit && k + i < panels.depth; ++i) {
        const int32_t element = from[tap * source.tap_stride + (k + i) * source.depth_stride];
        unit[i] = static_cast<To>(element - zero_point);
        sum += unit[i];
      }
      std::memcpy(packed, unit, sizeof(unit));
    }
  }
  return sum;
}

int32_t PackColumn(const IntegerPanels& panels, const IntegerSource& source, int64_t column,
                   int32_t zero_point, int64_t stride, uint8_t* packed) {
  const bool bytes = panels.form == IntegerForm::kBytes;
  if (bytes) zero_point = source.is_signed ? 0 : 128;
  const auto pack =
      bytes ? (source.is_signed ? PackColumn<int8_t, int8_t> : PackColumn<uint8_t, int8_t>)
            : (source.is_signed ? PackColumn<int8_t, int16_t> : PackColumn<uint8_t, int16_t>);
  return pack(panels, source, column, zero_point, stride, packed);
}

}  // namespace

void PackIntegers(const IntegerPanels& panels, const IntegerSource& source,
                  const int32_t* zero_points, uint8_t* packed) {
  std::memset(packed, 0, static_cast<size_t>(panels.bytes()));
  auto* const sums = reinterpret_cast<int32_t*>(packed + panels.panel_bytes());
  for (int64_t panel = 0; panel < panels.count(); ++panel) {
    const int64_t first = panels.FirstColumn(panel);
    const int64_t last = std::min(panels.FirstColumn(panel + 1), panels.columns);
    const int64_t stride = panels.Groups(panel) * kColumnGroup * 4;
    for (int64_t column = first; column < last; ++column) {
      const int32_t sum =
          PackColumn(panels, source, column, zero_points == nullptr ? 0 : zero_points[column],
                     stride, packed + first * panels.column_bytes() + (column - first) * 4);
      if (panels.form == IntegerForm::kBytes) sums[column] = sum;
    }
  }
}

}  // namespace mullion::cpu
