// SPDX-License-Identifier: MIT
// Scales and zero points among a node's inputs.
#ifndef MULLION_DEVICES_CPU_BYTE_SCALE_H_
#define MULLION_DEVICES_CPU_BYTE_SCALE_H_

#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/elementwise/quantized_binary.h"

namespace mullion::cpu {

// The scale in input `i` and the zero point in the next one, which may be left out.
inline ByteScale ByteScaleAt(const RunContext& context, int i) {
  return {*context.Input(i).as<float>(), ByteInput(context, i + 1)};
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BYTE_SCALE_H_
