// SPDX-License-Identifier: MIT
#include "devices/cpu/dynamic_scale.h"

#include <algorithm>
#include <cmath>

namespace mullion::cpu {

namespace {

constexpr int64_t kChunk = 32 * 1024;

}  // namespace

ByteScale ScaleOfRange(const FloatRange& range) {
  // The range holds zero, which is then exact. One value only: any scale would do.
  const float width = range.high - range.low;
  const float step = width == 0 ? 1.0f : width / 255.0f;
  const float zero_point = std::nearbyint(std::clamp(-range.low / step, 0.0f, 255.0f));
  return {step, static_cast<int32_t>(zero_point)};
}

void QuantizeByScale(const float* x, int64_t count, const ByteScale& scale, Parallel& parallel,
                     uint8_t* y) {
  const auto zero_point = static_cast<float>(scale.zero_point);
  parallel.For(count, kChunk, [&](int64_t begin, int64_t end, int) {
    QuantizeToBytes(x + begin, false, y + begin, end - begin, {&scale.scale, &zero_point, false});
  });
}

void QuantizeRowsByScale(const QuantizedRows& rows, const ByteScale& scale, Parallel& parallel) {
  const auto zero_point = static_cast<float>(scale.zero_point);
  const int64_t chunk = std::max<int64_t>(kChunk / std::max<int64_t>(rows.columns, 1), 1);
  // Long rows are divided, short ones gathered.
  if (rows.columns >= kChunk) {
    for (int64_t r = 0; r < rows.rows; ++r) {
      QuantizeByScale(rows.x + r * rows.columns, rows.columns, scale, parallel,
                      rows.y + r * rows.stride);
    }
    return;
  }
  parallel.For(rows.rows, chunk, [&](int64_t begin, int64_t end, int) {
    QuantizeRows(rows.x + begin * rows.columns, end - begin, rows.columns,
                 {&scale.scale, &zero_point, false}, rows.y + begin * rows.stride, rows.stride);
  });
}

ByteScale QuantizeDynamically(const float* x, int64_t count, FloatRange* ranges, Parallel& parallel,
                              uint8_t* y) {
  std::fill_n(ranges, parallel.threads(), FloatRange());
  parallel.For(count, kChunk, [&](int64_t begin, int64_t end, int worker) {
    WidenRange(x + begin, end - begin, &ranges[worker]);
  });
  FloatRange range;
  for (int i = 0; i < parallel.threads(); ++i) range.Widen(ranges[i]);
  const ByteScale scale = ScaleOfRange(range);
  QuantizeByScale(x, count, scale, parallel, y);
  return scale;
}

}  // namespace mullion::cpu
