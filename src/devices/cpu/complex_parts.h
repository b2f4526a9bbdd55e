// SPDX-License-Identifier: MIT
// Complex numbers as what they are in memory: two real ones, side by side.
#ifndef MULLION_DEVICES_CPU_COMPLEX_PARTS_H_
#define MULLION_DEVICES_CPU_COMPLEX_PARTS_H_

#include "base/element_type.h"

namespace mullion::cpu {

inline constexpr ElementTypeSet kComplexTypes =
    SetOf(ElementType::kComplex64, ElementType::kComplex128);

// How many numbers an element is: 2 of complex types.
inline int64_t PartsOf(ElementType type) { return Contains(kComplexTypes, type) ? 2 : 1; }

// The type of these numbers.
inline ElementType TypeOfParts(ElementType type) {
  if (type == ElementType::kComplex64) return ElementType::kFloat;
  return type == ElementType::kComplex128 ? ElementType::kDouble : type;
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_COMPLEX_PARTS_H_
