// SPDX-License-Identifier: MIT
#include "optimizer/widen_halves.h"

#include <algorithm>
#include <iterator>

#include "operators/registry.h"

namespace mullion::optimizer {

namespace {

constexpr std::string_view kMark = "widening";

bool IsHalf(const Value* value) {
  return value != nullptr && value->type.IsTensor() &&
         Contains(types::kHalfFloats, value->type.element_type);
}

TypeInfo WithElement(TypeInfo type, ElementType element) {
  type.element_type = element;
  return type;
}

Node& AddCast(Graph& graph, Value& from, Value& to, const Node* before, const Origin& origin) {
  Node& cast = graph.AddBareNode("", "Cast", kNewestOpset, before);
  cast.origin = origin;
  cast.SetAttribute("to", static_cast<int64_t>(to.type.element_type));
  cast.SetAttribute(kMark, int64_t{1});
  cast.AddInput(&from);
  cast.SetOutput(0, &to);
  return cast;
}

void Widen(Graph& graph, Node& node, const Node* after) {
  for (int i = 0; i < node.input_count(); ++i) {
    Value* const input = node.input(i);
    if (!IsHalf(input)) continue;
    Value& wide = graph.AddValue(input->name(), WithElement(input->type, ElementType::kFloat));
    AddCast(graph, *input, wide, &node, node.origin);
    node.SetInput(i, &wide);
  }
  for (int i = 0; i < node.output_count(); ++i) {
    Value* const output = node.output(i);
    if (!IsHalf(output)) continue;
    Value& wide = graph.AddValue(output->name(), WithElement(output->type, ElementType::kFloat));
    node.SetOutput(i, &wide);
    AddCast(graph, wide, *output, after, node.origin);
  }
}

// Reads what was just narrowed for it, and works on floats as on halves. A Cast of the model's own
// rounds on purpose.
bool ReadsNarrowed(const Node& node) {
  if (node.domain().empty() && node.operator_name().starts_with("Cast")) return false;
  return std::any_of(node.inputs().begin(), node.inputs().end(), [](const Value* input) {
    return IsHalf(input) && input->producer() != nullptr && IsWideningCast(*input->producer());
  });
}

}  // namespace

bool IsWideningCast(const Node& node) { return node.HasAttribute(kMark); }

bool WidenHalves(Graph& graph, const Capabilities& capabilities, HalfRange range) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) {
      changed |= WidenHalves(*subgraph, capabilities, range);
    }
    const bool half = std::any_of(node.inputs().begin(), node.inputs().end(), IsHalf) ||
                      std::any_of(node.outputs().begin(), node.outputs().end(), IsHalf);
    if (!half || !node.Subgraphs().empty() || IsWideningCast(node)) continue;
    const bool joins = range == HalfRange::kWherePossible && ReadsNarrowed(node);
    if (!joins && capabilities.Supports(node)) continue;
    Widen(graph, node, place == graph.nodes().end() ? nullptr : place->get());
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
