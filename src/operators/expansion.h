// SPDX-License-Identifier: MIT
// Writes an operator out as a group of others, inside an upgrade.
#ifndef MULLION_OPERATORS_EXPANSION_H_
#define MULLION_OPERATORS_EXPANSION_H_

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "base/element_type.h"
#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion::operators {

// New nodes stand before `node` and have its origin. The last node of the group is `node` itself,
// turned into another operator by Become, so that its outputs stay what they are.
class Expansion {
 public:
  // A released opset in which all operators used in expansions have their newest form.
  static constexpr int kFormOpset = 21;

  explicit Expansion(Node& node) : node_(node), graph_(node.graph()) {}

  // The first output of a new ai.onnx node in the form of opset `kFormOpset`.
  Value& Add(NameView name, std::initializer_list<Value*> inputs);
  Node& AddNode(NameView name, std::initializer_list<Value*> inputs, int outputs);
  Value& Ints(std::span<const int64_t> values);
  Value& Ints(std::initializer_list<int64_t> values) {
    return Ints(std::span(values.begin(), values.size()));
  }
  Value& Int(int64_t value);
  Value& Float(float value);
  Value& Cast(Value& x, ElementType type);
  // x - zero, or x where that is null, as numbers of `type`.
  Value& Shifted(Value& x, Value* zero, ElementType type);
  // The number in the element type of `other`.
  Value& Like(float value, Value& other);
  // The size of one axis as a scalar, and as a list of one.
  Value& Dim(Value& x, int64_t axis);
  Value& DimList(Value& x, int64_t axis);

  // Turns the node itself into `name`, keeping its outputs; its attributes go.
  void Become(NameView name, std::initializer_list<Value*> inputs);

 private:
  Value& Dim(Value& x, Value& axis);

  Node& node_;
  Graph& graph_;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EXPANSION_H_
