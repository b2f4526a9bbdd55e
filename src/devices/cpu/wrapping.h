// SPDX-License-Identifier: MIT
// The types in which sums and products of tensor elements are worked out.
#ifndef MULLION_DEVICES_CPU_WRAPPING_H_
#define MULLION_DEVICES_CPU_WRAPPING_H_

#include <cstdint>
#include <type_traits>

#include "base/element_traits.h"

namespace mullion::cpu {

// Integers wrap, as ONNX operators expect, which C++ only promises for unsigned types that are not
// promoted to int. The 16-bit floats are worked out in float.
template <typename T>
struct WrappingOf {
  using type = std::conditional_t<!std::is_integral_v<T>, ComputeType<T>,
                                  std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>>;
};
template <typename T>
using Wrapping = typename WrappingOf<T>::type;

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_WRAPPING_H_
