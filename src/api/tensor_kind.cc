// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

#include "base/element_type.h"
#include "base/small_float.h"
#include "mullion/c/mullion.h"

namespace {

mullion::ElementType TypeOf(MullionTensorKind kind) {
  const int number = static_cast<int>(kind);
  const bool known = number > 0 && number < mullion::kElementTypeCount;
  return known ? static_cast<mullion::ElementType>(number) : mullion::ElementType::kUndefined;
}

}  // namespace

int MullionTensorKind_Bits(MullionTensorKind kind) { return mullion::ElementBits(TypeOf(kind)); }

// Names are literals, hence end with a zero byte.
const char* MullionTensorKind_Name(MullionTensorKind kind) {
  return mullion::ElementTypeName(TypeOf(kind)).data();
}

void MullionFloat16_FromFloat(const float* from, uint16_t* to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = mullion::FloatToHalfBits(from[i]);
}

void MullionFloat16_ToFloat(const uint16_t* from, float* to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = mullion::HalfBitsToFloat(from[i]);
}
