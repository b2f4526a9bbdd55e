// SPDX-License-Identifier: MIT
// Floats to bytes by a scale and zero point that follow from them, as DynamicQuantizeLinear says.
#ifndef MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_
#define MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_

#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/elementwise/quantize.h"
#include "devices/cpu/kernels/elementwise/quantized_binary.h"

namespace mullion::cpu {

// Scratch memory for the ranges of as many threads.
constexpr int64_t RangesBytes(int threads) { return threads * int64_t{sizeof(FloatRange)}; }

// The bytes from 0 to 255 stand for all of the range.
ByteScale ScaleOfRange(const FloatRange& range);

void QuantizeByScale(const float* x, int64_t count, const ByteScale& scale, Parallel& parallel,
                     uint8_t* y);

// Dense rows to rows `stride` bytes apart.
struct QuantizedRows {
  const float* x;
  int64_t rows;
  int64_t columns;
  uint8_t* y;
  int64_t stride;
};
void QuantizeRowsByScale(const QuantizedRows& rows, const ByteScale& scale, Parallel& parallel);

// By the scale of all of x and zero. `ranges` is scratch memory for the threads of `parallel`.
ByteScale QuantizeDynamically(const float* x, int64_t count, FloatRange* ranges, Parallel& parallel,
                              uint8_t* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_
