// SPDX-License-Identifier: MIT
// Comparisons of contiguous elements.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_COMPARE_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_COMPARE_H_

#include <cstddef>
#include <cstdint>

#include "base/element_type.h"
#include "devices/cpu/kernels/simd/operand.h"

namespace mullion::cpu {

enum class CompareOp : uint8_t { kEqual, kLess, kLessOrEqual };

// y[i] = a[i] op b[i] for numbers and bool; false when one is NaN. At most one operand has step 0.
void CompareElements(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                     size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_COMPARE_H_
