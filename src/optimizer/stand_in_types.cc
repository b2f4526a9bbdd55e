// SPDX-License-Identifier: MIT
#include "optimizer/stand_in_types.h"

#include <algorithm>

#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::optimizer {

namespace {

// Where an input is of a type of `where`, tensors of types of `from` become `to`.
struct StandIn {
  std::string_view name;
  ElementTypeSet where, from;
  ElementType to;
  int input = -1;  // the one that is looked at and changed; -1 for any, and outputs too
};

// Not int64, which sizes are.
constexpr ElementTypeSet kNarrow = (types::kIntegers | types::kBool) & ~SetOf(ElementType::kInt64);
constexpr ElementTypeSet kDouble = SetOf(ElementType::kDouble);
constexpr StandIn kStandIns[] = {
    {"Attention", types::kIntegers, types::kIntegers, ElementType::kFloat, 3},  // the mask
    {"Attention", kDouble, types::kAllFloats, ElementType::kDouble},
    {"BatchNormalization", kDouble, types::kAllFloats, ElementType::kDouble},
    {"Col2Im", kNarrow, kNarrow, ElementType::kInt64},
    {"Dropout", types::kFloat8, types::kFloat8, ElementType::kFloat},
    {"Einsum", kNarrow, kNarrow, ElementType::kInt64},
    {"GridSample", types::kBool, types::kBool, ElementType::kFloat},
    {"RMSNormalization", kDouble, types::kAllFloats, ElementType::kDouble}};

bool IsOf(const Value* value, ElementTypeSet types) {
  return value != nullptr && value->type.IsTensor() && Contains(types, value->type.element_type);
}

void Cast(Graph& graph, Value& from, Value& to, const Node* before, const Origin& origin) {
  Node& cast = graph.AddBareNode("", "Cast", kNewestOpset, before);
  cast.origin = origin;
  cast.SetAttribute("to", static_cast<int64_t>(to.type.element_type));
  cast.AddInput(&from);
  cast.SetOutput(0, &to);
}

void Apply(const StandIn& entry, Graph& graph, Node& node, const Node* after) {
  const auto recast = [&](const Value* value) {
    return IsOf(value, entry.from) && value->type.element_type != entry.to;
  };
  const auto other = [&](const Value& value) -> Value& {
    TypeInfo info = value.type;
    info.element_type = entry.to;
    return graph.AddValue(value.name(), info);
  };
  for (int i = 0; i < node.input_count(); ++i) {
    Value* const input = node.input(i);
    if (!recast(input) || (entry.input >= 0 && entry.input != i)) continue;
    Value& made = other(*input);
    Cast(graph, *input, made, &node, node.origin);
    node.SetInput(i, &made);
  }
  for (int i = 0; i < node.output_count(); ++i) {
    Value* const output = node.output(i);
    if (!recast(output) || entry.input >= 0) continue;
    Value& made = other(*output);
    node.SetOutput(i, &made);
    Cast(graph, made, *output, after, node.origin);
  }
}

bool Needs(const StandIn& entry, const Node& node) {
  if (node.operator_name() != entry.name) return false;
  const auto matches = [&](const Value* value) { return IsOf(value, entry.where); };
  if (entry.input >= 0) return matches(node.input(entry.input));
  return std::any_of(node.inputs().begin(), node.inputs().end(), matches);
}

// a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point: scales and zero points
// of a and y are one or one a row, those of b one or one a column.
void WriteOutProduct(Node& node) {
  operators::Expansion expansion(node);
  const std::vector<Value*> in(node.inputs().begin(), node.inputs().end());
  const auto value = [&](int i, int64_t axis) -> Value& {
    Node& made = expansion.AddNode("DequantizeLinear", {in[i], in[i + 1], in[i + 2]}, 1);
    made.SetAttribute("axis", axis);
    made.output(0)->type = in[i]->type;
    made.output(0)->type.element_type = in[i + 1]->type.element_type;
    return *made.output(0);
  };
  Value& a = value(0, -2);
  Value& b = value(3, -1);
  Value& product = expansion.Add("MatMul", {&a, &b});
  product.type = node.output(0)->type;
  product.type.element_type = in[1]->type.element_type;
  expansion.Become("QuantizeLinear", {&product, in[6], in[7]});
  node.SetAttribute("axis", int64_t{-2});
}

}  // namespace

bool StandInTypes(Graph& graph, const Capabilities& capabilities) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= StandInTypes(*subgraph, capabilities);
    if (!node.domain().empty()) continue;
    if (node.operator_name() == "QLinearMatMul" &&
        (IsOf(node.input(0), types::kFloat8) || IsOf(node.input(3), types::kFloat8) ||
         IsOf(node.input(7), types::kFloat8))) {
      WriteOutProduct(node);
      changed = true;
      continue;
    }
    const Node* const after = place == graph.nodes().end() ? nullptr : place->get();
    for (const StandIn& entry : kStandIns) {
      if (!Needs(entry, node) || capabilities.Supports(node)) continue;
      Apply(entry, graph, node, after);
      changed = true;
    }
  }
  return changed;
}

ElementTypeSet TypesStoodInFor(std::string_view operator_name) {
  ElementTypeSet stood_in = 0;
  for (const StandIn& entry : kStandIns) {
    if (entry.name == operator_name && entry.input < 0) stood_in |= entry.where;
  }
  return stood_in;
}

}  // namespace mullion::optimizer
