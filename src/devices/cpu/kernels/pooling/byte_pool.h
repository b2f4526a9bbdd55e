// SPDX-License-Identifier: MIT
// The inner loops of QLinearAveragePool, channels last. A mean is what ONNX Runtime makes of it, to
// the bit: its elements as floats, added one after the other, divided by their number and by the
// output's scale, plus the zero point, rounded to nearest even. Where both scales are equal, ties
// are common, and any other order of steps would break them differently.
#ifndef MULLION_DEVICES_CPU_KERNELS_POOLING_BYTE_POOL_H_
#define MULLION_DEVICES_CPU_KERNELS_POOLING_BYTE_POOL_H_

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/elementwise/quantized_binary.h"

namespace mullion::cpu {

// sums[i] = (sums[i] if `accumulate`) + the sum of (taps[t][i] - zero point) * scale, in the order
// of the taps; i < n. Bytes are uint8_t, or int8_t when signed.
void SumPixels(const uint8_t* const* taps, size_t count, int64_t n, bool is_signed,
               const ByteScale& scale, bool accumulate, float* sums);

// y[i] = round(sums[i] / divisor / scale + zero point), clamped.
void FinishPixel(const float* sums, int64_t n, float divisor, bool is_signed,
                 const ByteScale& scale, uint8_t* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_POOLING_BYTE_POOL_H_
