// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/block_tile.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "devices/cpu/kernels/elementwise/quantize.h"

namespace mullion::cpu {

namespace {

// Returns the scale.
float QuantizeBlock(const float* from, int64_t count, int8_t* to) {
  constexpr float kMostByte = 127;
  const float zero = 0;
  FloatRange range;
  WidenRange(from, count, &range);
  const float most = std::max(-range.low, range.high);
  const float scale = most > 0 ? most / kMostByte : 1.0f;
  QuantizeToBytes(from, /*is_signed=*/true, to, count, {&scale, &zero, false});
  float nothing = 0;  // or NaN
  for (int64_t k = 0; k < count; ++k) nothing += from[k] * 0.0f;
  return nothing == 0 ? scale : std::numeric_limits<float>::quiet_NaN();
}

// Elements at even places of eight, then those at odd ones.
void PartPairs(int8_t* bytes, int64_t count) {
  for (int64_t k = 0; k < count; k += 8) {
    int8_t unit[8];
    std::memcpy(unit, bytes + k, 8);
    for (int j = 0; j < 4; ++j) {
      bytes[k + j] = unit[2 * j];
      bytes[k + 4 + j] = unit[2 * j + 1];
    }
  }
}

}  // namespace

ByteRow MakeByteRow(const BlockWeights& w, const float* from, float* memory) {
  float* const scales = memory;
  auto* const sums = reinterpret_cast<int32_t*>(scales + w.blocks());
  auto* const bytes = reinterpret_cast<int8_t*>(sums + w.blocks());
  for (int64_t b = 0; b < w.blocks(); ++b) {
    const int64_t begin = b * w.block;
    const int64_t end = std::min(w.depth, begin + w.block);
    scales[b] = QuantizeBlock(from + begin, end - begin, bytes + begin);
    sums[b] = 0;
    for (int64_t k = begin; k < end; ++k) sums[b] += bytes[k];
  }
  std::fill(bytes + w.depth, bytes + w.padded_depth(), static_cast<int8_t>(0));
  if (w.bits == 4) PartPairs(bytes, w.padded_depth());
  return {bytes, scales, sums};
}

}  // namespace mullion::cpu
