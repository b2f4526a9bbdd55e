// SPDX-License-Identifier: MIT
// Sums and products of quantized bytes: the numbers are (byte - zero point) * scale.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZED_BINARY_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZED_BINARY_H_

#include <cstdint>

#include "devices/cpu/kernels/simd/operand.h"

namespace mullion::cpu {

// Scale and zero point of a tensor of bytes.
struct ByteScale {
  float scale = 1;
  int32_t zero_point = 0;
};

// y = round(fixed + b * b_ratio + a * a_ratio), to nearest even, clamped, where `fixed` holds all
// zero points. The terms are added in this order, in float and with fused products where the
// processor has them.
struct QuantizedSum {
  float a_ratio;
  float b_ratio;
  float fixed;
};
QuantizedSum MakeQuantizedSum(const ByteScale& a, const ByteScale& b, const ByteScale& y);

// y = round((a - a_zero) * (b - b_zero) * ratio + y_zero), to nearest even, clamped. The first
// product is exact.
struct QuantizedProduct {
  float a_zero;
  float b_zero;
  float ratio;
  float y_zero;
};
QuantizedProduct MakeQuantizedProduct(const ByteScale& a, const ByteScale& b, const ByteScale& y);

// All bytes are uint8_t, or int8_t when signed. y may be one of the operands; at most one operand
// has step 0.
void AddBytes(const QuantizedSum& sum, bool is_signed, const AnyOperand& a, const AnyOperand& b,
              void* y, int64_t count);
void MultiplyBytes(const QuantizedProduct& product, bool is_signed, const AnyOperand& a,
                   const AnyOperand& b, void* y, int64_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZED_BINARY_H_
