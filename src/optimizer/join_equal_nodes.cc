// SPDX-License-Identifier: MIT
#include "optimizer/join_equal_nodes.h"

#include <string>
#include <string_view>
#include <unordered_map>

namespace mullion::optimizer {

namespace {

// Constants of up to so many elements are compared; larger ones are shared where they are equal.
constexpr int64_t kFewElements = 16;

// What a node computes, as a key of a map.
class Description {
 public:
  // False for what has no description: random results, subgraphs, tensors as attributes.
  bool Describe(const Node& node, const OperatorRegistry& registry) {
    key_.clear();
    const OperatorDefinition* const definition =
        registry.Find(node.domain(), node.operator_name(), node.opset());
    if (definition == nullptr || definition->random || node.output_count() != 1 ||
        node.output(0) == nullptr || node.output(0)->IsGraphOutput()) {
      return false;
    }
    AddText(node.domain());
    AddText(node.operator_name());
    AddBytes(node.opset());
    for (const Attribute& attribute : node.attributes()) {
      AddText(attribute.name);
      AddBytes(attribute.value.index());
      if (!AddAttribute(attribute.value)) return false;
    }
    for (const Value* const input : node.inputs()) AddInput(input);
    return true;
  }
  const std::string& key() const { return key_; }

 private:
  template <typename T>
  void AddBytes(const T& value) {
    key_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  template <typename T>
  void AddList(const T& list) {
    AddBytes(list.size());
    key_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(*list.data()));
  }
  void AddText(std::string_view text) { AddList(text); }

  bool AddAttribute(const AttributeValue& value) {
    if (const auto* const number = std::get_if<float>(&value)) {
      AddBytes(*number);
    } else if (const auto* const integer = std::get_if<int64_t>(&value)) {
      AddBytes(*integer);
    } else if (const auto* const text = std::get_if<std::string>(&value)) {
      AddText(*text);
    } else if (const auto* const numbers = std::get_if<std::vector<float>>(&value)) {
      AddList(*numbers);
    } else if (const auto* const integers = std::get_if<std::vector<int64_t>>(&value)) {
      AddList(*integers);
    } else {
      return false;
    }
    return true;
  }

  void AddInput(const Value* input) {
    const bool small = input != nullptr && input->IsConstant() &&
                       input->constant.count() <= kFewElements &&
                       input->constant.type() != ElementType::kString;
    AddBytes(small);
    if (!small) {
      AddBytes(input);
      return;
    }
    const TensorView view = input->constant.view();
    AddBytes(view.type);
    AddList(view.shape.dims());
    AddText({static_cast<const char*>(view.data), view.bytes()});
  }

  std::string key_;
};

}  // namespace

bool JoinEqualNodes(Graph& graph, const OperatorRegistry& registry) {
  bool changed = false;
  Description description;
  std::unordered_map<std::string, Value*> known;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= JoinEqualNodes(*subgraph, registry);
    if (!description.Describe(node, registry)) continue;
    Value* const output = node.output(0);
    const auto [first, is_new] = known.emplace(description.key(), output);
    if (is_new) continue;
    graph.ReplaceUses(*output, *first->second);
    graph.Remove(node);
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
