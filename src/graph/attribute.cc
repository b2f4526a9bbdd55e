// SPDX-License-Identifier: MIT
#include "graph/attribute.h"

namespace mullion {

const char* AttributeKindName(const AttributeValue& value) {
  static constexpr const char* kNames[] = {"float",   "int",    "string", "tensor",
                                           "graph",   "floats", "ints",   "strings",
                                           "tensors", "graphs", "type"};
  return kNames[value.index()];
}

}  // namespace mullion
