// SPDX-License-Identifier: MIT
// What the operators on quantized bytes (com.microsoft's QLinear family) ask of their inputs.
#ifndef MULLION_OPERATORS_QUANTIZED_INPUT_H_
#define MULLION_OPERATORS_QUANTIZED_INPUT_H_

#include "operators/inference.h"

namespace mullion::operators {

inline constexpr ElementTypeSet kQuantizedBytes = SetOf(ElementType::kUint8, ElementType::kInt8);

// Input `scale` is a float and input `scale` + 1, which may be left out, a zero point of type
// `type`; both have one element.
Status RequireByteScale(const InferenceContext& context, int scale, ElementType type);

// Input i has one element for all, or `count` of them: one for each `what` ("row", "column").
Status RequireOneOrEach(const InferenceContext& context, int i, int64_t count, const char* what);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_QUANTIZED_INPUT_H_
