// SPDX-License-Identifier: MIT
// What the kernels of QuantizeLinear and DequantizeLinear share: scales and zero points as floats,
// and the way along a tensor in pieces that one call of a row kernel takes.
#ifndef MULLION_DEVICES_CPU_QUANTIZATION_H_
#define MULLION_DEVICES_CPU_QUANTIZATION_H_

#include <algorithm>
#include <cstdint>

#include "device/kernel.h"
#include "devices/cpu/kernels/elementwise/quantize.h"
#include "operators/quantize_linear.h"

namespace mullion::cpu {

struct BoundQuantization final : BoundState {
  operators::QuantizationGrid grid;
};

// Sets the state, and asks for the scratch memory of QuantizationParameters.
Status BindQuantization(BindContext& context);

// Scales and zero points (zero when left out) widened to float, in scratch memory.
struct QuantizationParameters {
  const float* scales;
  const float* zero_points;
};
QuantizationParameters WidenParameters(const RunContext& context);

// Calls `row(first, count, steps)` for the parts of elements [begin, end) that have one scale for
// all, or one for each in a row.
template <typename Row>
void ForEachQuantizedRow(const operators::QuantizationGrid& grid,
                         const QuantizationParameters& parameters, int64_t begin, int64_t end,
                         Row row) {
  for (int64_t i = begin; i < end;) {
    const int64_t inner = i % grid.inner;
    const int64_t middle = i / grid.inner % grid.extent;
    const int64_t outer = i / grid.inner / grid.extent;
    const int64_t block = middle / grid.block;
    int64_t at = block;
    int64_t length = grid.inner - inner;
    bool each = false;
    if (grid.inner == 1) {
      // Along the axis itself: to the end of the block, or with a scale per element to its end.
      each = !grid.blocked;
      length = (each ? grid.extent : std::min((block + 1) * grid.block, grid.extent)) - middle;
      if (grid.blocked) at = outer * grid.blocks + block;
    } else if (grid.blocked) {
      each = true;
      at = (outer * grid.blocks + block) * grid.inner + inner;
    }
    length = std::min(length, end - i);
    row(i, length, QuantizationSteps{parameters.scales + at, parameters.zero_points + at, each});
    i += length;
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_QUANTIZATION_H_
