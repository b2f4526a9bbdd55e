// SPDX-License-Identifier: MIT
// Zero points and other small inputs of the integer operators.
#ifndef MULLION_DEVICES_CPU_INTEGER_OPERAND_H_
#define MULLION_DEVICES_CPU_INTEGER_OPERAND_H_

#include <algorithm>
#include <cstdint>

#include "base/memory.h"
#include "device/kernel.h"
#include "devices/cpu/scratch_layout.h"

namespace mullion::cpu {

inline int32_t ByteAt(const TensorView& view, int64_t i) {
  return view.type == ElementType::kInt8 ? view.as<int8_t>()[i] : view.as<uint8_t>()[i];
}

// The first element of input `i`, 0 when it is left out.
inline int32_t ByteInput(const RunContext& context, int i) {
  return context.HasInput(i) && context.Input(i).count() > 0 ? ByteAt(context.Input(i), 0) : 0;
}

// Element `i` of a tensor that has one, or one for all.
inline int32_t SpreadByte(const TensorView& view, int64_t i) {
  return ByteAt(view, view.count() == 1 ? 0 : i);
}
// Of float or a 16-bit type.
inline float SpreadFloat(const TensorView& view, int64_t i) {
  const int64_t at = view.count() == 1 ? 0 : i;
  if (view.type == ElementType::kFloat16) return static_cast<float>(view.as<Float16>()[at]);
  if (view.type == ElementType::kBfloat16) return static_cast<float>(view.as<Bfloat16>()[at]);
  return view.as<float>()[at];
}

// The first `count` elements, or the one for all as often.
inline void SpreadFloats(const TensorView& view, int64_t count, float* to) {
  if (view.count() == 1) {
    std::fill_n(to, count, SpreadFloat(view, 0));
  } else if (view.type == ElementType::kFloat) {
    std::copy_n(view.as<float>(), count, to);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = SpreadFloat(view, i);
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INTEGER_OPERAND_H_
