// SPDX-License-Identifier: MIT
#include "devices/cpu/dynamic_scale.h"

#include <algorithm>
#include <cmath>

#include "devices/cpu/kernels/quantize.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kChunk = 32 * 1024;

struct Range {
  float low = 0;
  float high = 0;
};

int64_t ChunksOf(int64_t count) { return (count + kChunk - 1) / kChunk; }

Range RangeOf(const float* x, int64_t count, Range* parts, Parallel& parallel) {
  const int64_t chunks = ChunksOf(count);
  std::fill_n(parts, chunks, Range());
  parallel.For(count, kChunk, [&](int64_t begin, int64_t end, int) {
    Range& part = parts[begin / kChunk];
    WidenRange(x + begin, end - begin, &part.low, &part.high);
  });
  Range all;
  for (int64_t i = 0; i < chunks; ++i) {
    all.low = std::min(all.low, parts[i].low);
    all.high = std::max(all.high, parts[i].high);
  }
  return all;
}

}  // namespace

size_t DynamicScaleScratchBytes(int64_t count) {
  return static_cast<size_t>(ChunksOf(count)) * sizeof(Range);
}

ByteScale QuantizeDynamically(const float* x, int64_t count, void* scratch, Parallel& parallel,
                              uint8_t* y) {
  const Range range = RangeOf(x, count, static_cast<Range*>(scratch), parallel);
  // The range holds zero, which is then exact. One value only: any scale would do.
  const float width = range.high - range.low;
  const float step = width == 0 ? 1.0f : width / 255.0f;
  const float zero_point = std::nearbyint(std::clamp(-range.low / step, 0.0f, 255.0f));
  parallel.For(count, kChunk, [&](int64_t begin, int64_t end, int) {
    QuantizeToBytes(x + begin, false, y + begin, end - begin, {&step, &zero_point, false});
  });
  return {step, static_cast<int32_t>(zero_point)};
}

}  // namespace mullion::cpu
