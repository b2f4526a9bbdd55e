// SPDX-License-Identifier: MIT
// Between float and quantized numbers, for contiguous elements: q = round(x / scale) + zero point,
// to nearest even, clamped; x = (q - zero point) * scale. The division is one, not a product with a
// reciprocal, which would round differently at ties.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_H_

#include <cstdint>

namespace mullion::cpu {

// One scale and zero point for all elements, or one each.
struct QuantizationSteps {
  const float* scale;
  const float* zero_point;
  bool each;
};

// In place; results are whole numbers in [low, high]. NaN gives `low`.
void QuantizeFloats(float* x, int64_t count, const QuantizationSteps& steps, float low, float high);
// y is uint8_t or int8_t.
void QuantizeToBytes(const float* x, bool is_signed, void* y, int64_t count,
                     const QuantizationSteps& steps);

// Dense rows, one scale for all, to uint8_t rows `stride` bytes apart.
void QuantizeRows(const float* x, int64_t rows, int64_t columns, const QuantizationSteps& steps,
                  uint8_t* y, int64_t stride);

// In place.
void DequantizeFloats(float* x, int64_t count, const QuantizationSteps& steps);
// x is uint8_t or int8_t.
void DequantizeBytes(const void* x, bool is_signed, float* y, int64_t count,
                     const QuantizationSteps& steps);

// A range that holds zero. Threads widen their own ones, so each has a cache line.
struct alignas(64) FloatRange {
  float low = 0;
  float high = 0;

  void Widen(const FloatRange& other) {
    if (other.low < low) low = other.low;
    if (other.high > high) high = other.high;
  }
  bool operator==(const FloatRange& other) const { return low == other.low && high == other.high; }
};

// Widens the range until it holds all elements. NaN is passed over.
void WidenRange(const float* x, int64_t count, FloatRange* range);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_H_
