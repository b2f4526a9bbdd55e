// SPDX-License-Identifier: MIT
// Functions of quantized bytes, as tables of all their values: see
// kernels/elementwise/byte_table.h.
#ifndef MULLION_DEVICES_CPU_BYTE_FUNCTION_H_
#define MULLION_DEVICES_CPU_BYTE_FUNCTION_H_

#include <array>
#include <cstdint>

#include "base/function_ref.h"
#include "devices/cpu/kernels/elementwise/quantized_binary.h"

namespace mullion::cpu {

using ByteFunction = std::array<uint8_t, 256>;

// The bytes that stand, by `y`, for function(what each byte stands for by `x`). `function` changes
// 256 floats in place. All bytes are int8_t when signed.
ByteFunction MakeByteFunction(const ByteScale& x, const ByteScale& y, bool is_signed,
                              FunctionRef<void(float* values)> function);

// From one scale and zero point to others.
ByteFunction MakeRequantization(const ByteScale& x, const ByteScale& y, bool is_signed);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BYTE_FUNCTION_H_
