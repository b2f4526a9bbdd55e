// SPDX-License-Identifier: MIT
// Numbers to text and back, as Cast has it. Independent of the process's locale.
#ifndef MULLION_DEVICES_CPU_CAST_STRING_H_
#define MULLION_DEVICES_CPU_CAST_STRING_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/tensor.h"
#include "devices/cpu/kernels/elementwise/convert.h"

namespace mullion::cpu {

// Integers in decimal, bool as 1 and 0, floating-point numbers with as few digits as give the same
// number back, in plain or scientific notation; "NaN", "INF", "-INF".
void FormatElements(const TensorView& x, std::string* y);

// Fills `y`, of any type but kString, or returns the index of the first text that is no number.
// Text for an integer may have a fraction, which is dropped.
std::optional<int64_t> ParseElements(std::span<const std::string> x, const MutableTensorView& y,
                                     const ConvertOptions& options);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CAST_STRING_H_
