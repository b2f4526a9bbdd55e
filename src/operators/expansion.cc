// SPDX-License-Identifier: MIT
#include "operators/expansion.h"

namespace mullion::operators {

Value& Expansion::Add(NameView name, std::initializer_list<Value*> inputs) {
  return *AddNode(name, inputs, 1).output(0);
}

Node& Expansion::AddNode(NameView name, std::initializer_list<Value*> inputs, int outputs) {
  const std::vector<Value*> list(inputs);
  Node& made = graph_.AddNode("", name, kFormOpset, list, outputs, node_.origin.name, &node_);
  made.origin = node_.origin;
  return made;
}

Value& Expansion::Ints(std::span<const int64_t> values) {
  return graph_.AddConstant("ints", Tensor::Vector<int64_t>(values));
}

Value& Expansion::Int(int64_t value) { return graph_.AddConstant("int", Tensor::Scalar(value)); }

Value& Expansion::Float(float value) { return graph_.AddConstant("float", Tensor::Scalar(value)); }

Value& Expansion::Cast(Value& x, ElementType type) {
  Value& cast = Add("Cast", {&x});
  cast.producer()->SetAttribute("to", static_cast<int64_t>(type));
  return cast;
}

Value& Expansion::Shifted(Value& x, Value* zero, ElementType type) {
  Value& number = Cast(x, type);
  return zero == nullptr ? number : Add("Sub", {&number, &Cast(*zero, type)});
}

Value& Expansion::Like(float value, Value& other) {
  return Add("CastLike", {&Float(value), &other});
}

Value& Expansion::Dim(Value& x, Value& axis) { return Add("Gather", {&Add("Shape", {&x}), &axis}); }

Value& Expansion::Dim(Value& x, int64_t axis) { return Dim(x, Int(axis)); }

Value& Expansion::DimList(Value& x, int64_t axis) { return Dim(x, Ints({axis})); }

void Expansion::Become(NameView name, std::initializer_list<Value*> inputs) {
  node_.SetOperator("", name, kFormOpset);
  while (!node_.attributes().empty()) node_.RemoveAttribute(node_.attributes().back().name);
  node_.ResizeInputs(0);
  node_.TrimOutputs();
  for (Value* const input : inputs) node_.AddInput(input);
}

}  // namespace mullion::operators
