// SPDX-License-Identifier: MIT
// Writes an operator out as a group of others, inside an upgrade.
#ifndef MULLION_OPERATORS_EXPANSION_H_
#define MULLION_OPERATORS_EXPANSION_H_

#include <initializer_list>
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
  Value& Add(std::string_view name, std::initializer_list<Value*> inputs) {
    return *AddNode(name, inputs, 1).output(0);
  }
  Node& AddNode(std::string_view name, std::initializer_list<Value*> inputs, int outputs) {
    const std::vector<Value*> list(inputs);
    Node& made = graph_.AddNode("", name, kFormOpset, list, outputs, node_.origin.name, &node_);
    made.origin = node_.origin;
    return made;
  }
  Value& Ints(std::initializer_list<int64_t> values) {
    return graph_.AddConstant("ints", Tensor::Vector<int64_t>(std::vector<int64_t>(values)));
  }
  Value& Int(int64_t value) { return graph_.AddConstant("int", Tensor::Scalar(value)); }
  Value& Float(float value) { return graph_.AddConstant("float", Tensor::Scalar(value)); }
  Value& Cast(Value& x, ElementType type) {
    Value& cast = Add("Cast", {&x});
    cast.producer()->SetAttribute("to", static_cast<int64_t>(type));
    return cast;
  }
  // The number in the element type of `other`.
  Value& Like(float value, Value& other) { return Add("CastLike", {&Float(value), &other}); }

  // Turns the node itself into `name`, keeping its outputs; its attributes go.
  void Become(std::string_view name, std::initializer_list<Value*> inputs) {
    node_.SetOperator("", name, kFormOpset);
    while (!node_.attributes().empty()) node_.RemoveAttribute(node_.attributes().back().name);
    node_.ResizeInputs(0);
    node_.TrimOutputs();
    for (Value* const input : inputs) node_.AddInput(input);
  }

 private:
  Node& node_;
  Graph& graph_;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EXPANSION_H_
