// SPDX-License-Identifier: MIT
// Floats to bytes by a scale and zero point that follow from them, as DynamicQuantizeLinear says.
#ifndef MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_
#define MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/quantized_binary.h"

namespace mullion::cpu {

size_t DynamicScaleScratchBytes(int64_t count);

// The bytes from 0 to 255 stand for all of x and zero.
ByteScale QuantizeDynamically(const float* x, int64_t count, void* scratch, Parallel& parallel,
                              uint8_t* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_DYNAMIC_SCALE_H_
