// SPDX-License-Identifier: MIT
#include "base/element_type.h"

#include <string>

namespace mullion {

namespace {

struct Facts {
  std::string_view name;
  int bits;
};

constexpr Facts kFacts[kElementTypeCount] = {
    {"undefined", 0},      {"float", 32},       {"uint8", 8},          {"int8", 8},
    {"uint16", 16},        {"int16", 16},       {"int32", 32},         {"int64", 64},
    {"string", 0},         {"bool", 8},         {"float16", 16},       {"double", 64},
    {"uint32", 32},        {"uint64", 64},      {"complex64", 64},     {"complex128", 128},
    {"bfloat16", 16},      {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},           {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},        {"int2", 2},
};

const Facts& FactsOf(ElementType type) {
  const auto index = static_cast<size_t>(type);
  return kFacts[index < kElementTypeCount ? index : 0];
}

}  // namespace

int ElementBits(ElementType type) { return FactsOf(type).bits; }

std::string_view ElementTypeName(ElementType type) { return FactsOf(type).name; }

ElementType ElementTypeFromName(std::string_view name) {
  if (name == "float32") return ElementType::kFloat;
  if (name == "float64") return ElementType::kDouble;
  for (int i = 1; i < kElementTypeCount; ++i) {
    if (kFacts[i].name == name) return static_cast<ElementType>(i);
  }
  return ElementType::kUndefined;
}

size_t ByteSize(ElementType type, int64_t count) {
  if (type == ElementType::kString) return static_cast<size_t>(count) * sizeof(std::string);
  return (static_cast<size_t>(count) * static_cast<size_t>(ElementBits(type)) + 7) / 8;
}

bool IsFloatingPoint(ElementType type) { return Contains(types::kAllFloats, type); }
bool IsInteger(ElementType type) { return Contains(types::kIntegers, type); }
bool IsSubByte(ElementType type) { return Contains(types::kSubByte, type); }

ElementType UnsignedOf(ElementType type) {
  switch (type) {
    case ElementType::kInt8:
      return ElementType::kUint8;
    case ElementType::kInt16:
      return ElementType::kUint16;
    case ElementType::kInt32:
      return ElementType::kUint32;
    case ElementType::kInt64:
      return ElementType::kUint64;
    default:
      return type;
  }
}

}  // namespace mullion
