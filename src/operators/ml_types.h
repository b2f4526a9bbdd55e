// SPDX-License-Identifier: MIT
// What the operators of ai.onnx.ml compute with.
#ifndef MULLION_OPERATORS_ML_TYPES_H_
#define MULLION_OPERATORS_ML_TYPES_H_

#include "base/element_type.h"

namespace mullion::operators {

inline constexpr ElementTypeSet kMlNumbers =
    types::kFloatDouble | SetOf(ElementType::kInt32, ElementType::kInt64);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ML_TYPES_H_
