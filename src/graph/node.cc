// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdarg>

#include "base/str_cat.h"
#include "graph/graph.h"

namespace mullion {

namespace {

void RemoveUse(std::vector<Use>& uses, const Node* node, int index) {
  // From the back: rewrites mostly undo what was done last, and constants may have many readers.
  for (size_t i = uses.size(); i-- > 0;) {
    if (uses[i].node == node && uses[i].index == index) {
      uses[i] = uses.back();
      uses.pop_back();
      return;
    }
  }
}

}  // namespace

Node::Node() = default;
Node::~Node() = default;

std::string Origin::ToString() const {
  std::string text = name.empty() ? std::string("a node") : StrCat("node '", name, "'");
  if (!function_path.empty()) text += StrCat(" in function ", function_path);
  const std::string qualified =
      domain.empty() ? operator_name : StrCat(domain, "::", operator_name);
  return StrCat(text, " (", qualified, ", opset ", opset, ")");
}

void Node::SetInput(int i, Value* value) {
  const auto index = static_cast<size_t>(i);
  if (index >= inputs_.size()) inputs_.resize(index + 1, nullptr);
  if (inputs_[index] == value) return;
  if (inputs_[index] != nullptr) RemoveUse(inputs_[index]->uses_, this, i);
  inputs_[index] = value;
  if (value != nullptr) value->uses_.push_back({this, i});
}

void Node::ResizeInputs(int count) {
  for (int i = count; i < input_count(); ++i) SetInput(i, nullptr);
  inputs_.resize(static_cast<size_t>(count), nullptr);
}

void Node::SetOutput(int i, Value* value) {
  const auto index = static_cast<size_t>(i);
  if (index >= outputs_.size()) outputs_.resize(index + 1, nullptr);
  if (outputs_[index] != nullptr) outputs_[index]->producer_ = nullptr;
  outputs_[index] = value;
  if (value != nullptr) {
    value->producer_ = this;
    value->producer_index_ = i;
  }
}

void Node::TrimOutputs() {
  while (!outputs_.empty() && outputs_.back() == nullptr) outputs_.pop_back();
}

void Node::SetOperator(NameView domain, NameView name, int opset) {
  domain_ = domain;
  operator_name_ = name;
  opset_ = opset;
}

const AttributeValue* Node::FindAttribute(NameView name) const {
  for (const Attribute& attribute : attributes_) {
    if (attribute.name == name) return &attribute.value;
  }
  return nullptr;
}

void Node::SetAttribute(NameView name, AttributeValue value) {
  for (Attribute& attribute : attributes_) {
    if (attribute.name == name) {
      attribute.value = std::move(value);
      return;
    }
  }
  attributes_.push_back({std::string(name), std::move(value)});
}

void Node::RemoveAttribute(NameView name) {
  std::erase_if(attributes_, [&](const Attribute& a) { return a.name == name; });
}

namespace {

template <typename T>
const T* Get(const Node& node, std::string_view name) {
  const AttributeValue* const value = node.FindAttribute(name);
  return value == nullptr ? nullptr : std::get_if<T>(value);
}

template <typename T>
std::span<const T> GetSpan(const Node& node, std::string_view name) {
  const auto* const values = Get<std::vector<T>>(node, name);
  return values == nullptr ? std::span<const T>() : std::span<const T>(*values);
}

}  // namespace

int64_t Node::IntAttribute(NameView name, int64_t fallback) const {
  const auto* const value = Get<int64_t>(*this, name);
  return value == nullptr ? fallback : *value;
}

float Node::FloatAttribute(NameView name, float fallback) const {
  const auto* const value = Get<float>(*this, name);
  return value == nullptr ? fallback : *value;
}

std::string_view Node::StringAttribute(NameView name, NameView fallback) const {
  const auto* const value = Get<std::string>(*this, name);
  return value == nullptr ? fallback : std::string_view(*value);
}

std::span<const int64_t> Node::IntsAttribute(NameView name) const {
  return GetSpan<int64_t>(*this, name);
}

std::span<const float> Node::FloatsAttribute(NameView name) const {
  return GetSpan<float>(*this, name);
}

std::span<const std::string> Node::StringsAttribute(NameView name) const {
  return GetSpan<std::string>(*this, name);
}

const Tensor* Node::TensorAttribute(NameView name) const { return Get<Tensor>(*this, name); }

Graph* Node::GraphAttribute(NameView name) const {
  const auto* const graph = Get<std::shared_ptr<Graph>>(*this, name);
  return graph == nullptr ? nullptr : graph->get();
}

std::vector<Graph*> Node::Subgraphs() const {
  std::vector<Graph*> graphs;
  for (const Attribute& attribute : attributes_) {
    if (const auto* one = std::get_if<std::shared_ptr<Graph>>(&attribute.value)) {
      graphs.push_back(one->get());
    } else if (const auto* many =
                   std::get_if<std::vector<std::shared_ptr<Graph>>>(&attribute.value)) {
      for (const auto& graph : *many) graphs.push_back(graph.get());
    }
  }
  return graphs;
}

Status Node::JoinedError(StatusCode code, const char* kinds, ...) const {
  va_list pieces;
  va_start(pieces, kinds);
  Status failure(code, StrCat(origin.ToString(), ": ", internal::JoinPieceList(kinds, pieces)));
  va_end(pieces);
  return failure;
}

}  // namespace mullion
