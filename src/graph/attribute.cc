// SPDX-License-Identifier: MIT
#include "graph/attribute.h"

namespace mullion {

AttributeValue::AttributeValue() = default;
AttributeValue::AttributeValue(const AttributeValue& other) = default;
AttributeValue::AttributeValue(AttributeValue&& other) noexcept = default;
AttributeValue& AttributeValue::operator=(const AttributeValue& other) = default;
AttributeValue& AttributeValue::operator=(AttributeValue&& other) noexcept = default;
AttributeValue::~AttributeValue() = default;

const char* AttributeKindName(const AttributeValue& value) {
  static constexpr const char* kNames[] = {"float",   "int",    "string", "tensor",
                                           "graph",   "floats", "ints",   "strings",
                                           "tensors", "graphs", "type"};
  return kNames[value.index()];
}

}  // namespace mullion
