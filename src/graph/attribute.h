// SPDX-License-Identifier: MIT
// A named constant of a node.
#ifndef MULLION_GRAPH_ATTRIBUTE_H_
#define MULLION_GRAPH_ATTRIBUTE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.h"
#include "graph/type_info.h"

namespace mullion {

class Graph;

// Sparse constants become dense tensors when they are read.
using AttributeVariant =
    std::variant<float, int64_t, std::string, Tensor, std::shared_ptr<Graph>, std::vector<float>,
                 std::vector<int64_t>, std::vector<std::string>, std::vector<Tensor>,
                 std::vector<std::shared_ptr<Graph>>, TypeInfo>;

// What copies and moves the eleven alternatives is compiled once, not in every file that holds a
// node: that alone was a quarter of a test's time to compile.
class AttributeValue : public AttributeVariant {
 public:
  using AttributeVariant::AttributeVariant;
  AttributeValue();
  AttributeValue(const AttributeValue& other);
  AttributeValue(AttributeValue&& other) noexcept;
  AttributeValue& operator=(const AttributeValue& other);
  AttributeValue& operator=(AttributeValue&& other) noexcept;
  ~AttributeValue();
};

struct Attribute {
  std::string name;
  AttributeValue value;
};

// "int", "floats", "graph": the kind of a value, for messages.
const char* AttributeKindName(const AttributeValue& value);

}  // namespace mullion

#endif  // MULLION_GRAPH_ATTRIBUTE_H_
