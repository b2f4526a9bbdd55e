// SPDX-License-Identifier: MIT
// Means over axes of quantized tensors: QLinearGlobalAveragePool, QLinearReduceMean.
#ifndef MULLION_DEVICES_CPU_BYTE_MEAN_H_
#define MULLION_DEVICES_CPU_BYTE_MEAN_H_

#include <cstddef>
#include <cstdint>

#include "device/kernel.h"
#include "devices/cpu/kernels/elementwise/quantized_binary.h"

namespace mullion::cpu {

// Bit a of `reduced` says that axis a of `input` is averaged over.
size_t ByteMeanScratchBytes(const Shape& input, uint32_t reduced);

// Writes the means of `x`, which has scale `x_scale`, to `y`: one byte for each combination of the
// other axes' indices. `scratch` has the bytes that are asked for above. Fails when more bytes go
// into a mean than a sum can hold.
Status AverageBytes(const RunContext& context, const TensorView& x, const ByteScale& x_scale,
                    uint32_t reduced, const ByteScale& y_scale, void* scratch, void* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BYTE_MEAN_H_
