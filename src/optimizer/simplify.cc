// SPDX-License-Identifier: MIT
#include "optimizer/simplify.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "optimizer/pattern.h"
#include "optimizer/widen_halves.h"

namespace mullion::optimizer {

namespace {

bool IsFalse(const Value* value) {
  return value == nullptr || (value->IsConstant() && value->constant.type() == ElementType::kBool &&
                              value->constant.count() == 1 && !value->constant.span<bool>()[0]);
}

// `node` gives out its first input unchanged.
bool PassesThrough(const Node& node) {
  if (Is(node, "Identity")) return true;
  if (Is(node, "OptionalGetElement")) {
    return node.input(0) != nullptr && node.input(0)->type.IsTensor();
  }
  if (Is(node, "Dropout")) {
    const Value* const mask = node.output(1);
    return IsFalse(node.input(2)) && (mask == nullptr || mask->uses().empty()) &&
           (mask == nullptr || !mask->IsGraphOutput());
  }
  if (Is(node, "Cast")) {
    const Value* const from = node.input(0);
    return from != nullptr && from->type.IsTensor() &&
           static_cast<int64_t>(from->type.element_type) == node.IntAttribute("to", 0);
  }
  if (Is(node, "Transpose")) {
    const auto perm = node.IntsAttribute("perm");
    if (perm.empty()) return false;
    for (size_t i = 0; i < perm.size(); ++i) {
      if (perm[i] != static_cast<int64_t>(i)) return false;
    }
    return true;
  }
  return false;
}

// Makes readers of the output read the input. A graph output needs a node of this graph that writes
// it, so there the input must be one, with no other name to the world.
bool Bypass(Graph& graph, Node& node) {
  Value* const input = node.input(0);
  Value* const output = node.output(0);
  if (input == nullptr || output == nullptr) return false;
  if (output->IsGraphOutput()) {
    if (&input->graph() != &graph || input->producer() == nullptr || input->IsGraphOutput()) {
      return false;
    }
  }
  graph.ReplaceUses(*output, *input);
  graph.Remove(node);
  return true;
}

// Transpose(Transpose(x)) becomes one.
bool JoinTransposes(Node& node) {
  const Node* const first = ProducerOf(node.input(0), "Transpose");
  if (!Is(node, "Transpose") || first == nullptr) return false;
  const auto outer = node.IntsAttribute("perm");
  const auto inner = first->IntsAttribute("perm");
  if (outer.empty() || inner.size() != outer.size()) return false;
  std::vector<int64_t> joined;
  for (const int64_t axis : outer) joined.push_back(inner[static_cast<size_t>(axis)]);
  node.SetAttribute("perm", std::move(joined));
  node.SetInput(0, first->input(0));
  return true;
}

// Reshape(Reshape(x)) reads x, unless the second takes a dimension over (0) from what it reads.
bool JoinReshapes(Node& node) {
  const Node* const first = ProducerOf(node.input(0), "Reshape");
  if (!Is(node, "Reshape") || first == nullptr) return false;
  const Value* const shape = node.input(1);
  if (shape == nullptr || !shape->IsConstant()) return false;
  const auto dims = shape->constant.span<int64_t>();
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return false;
  node.SetInput(0, first->input(0));
  return true;
}

// float -> half -> float, both of our own making: the middle was never asked for.
bool JoinWidenings(Node& node) {
  const Node* const first = ProducerOf(node.input(0), "Cast");
  if (!IsWideningCast(node) || first == nullptr || !IsWideningCast(*first)) return false;
  const Value* const source = first->input(0);
  const Value* const output = node.output(0);
  if (source->type.element_type != output->type.element_type) return false;
  node.SetInput(0, first->input(0));
  return true;
}

// A cast to the type of another value, which is known by now, names it: constants are folded then.
bool NameType(Node& node) {
  if (!Is(node, "CastLike")) return false;
  const Value* const like = node.input(1);
  if (!like->type.IsTensor() || like->type.element_type == ElementType::kUndefined) return false;
  node.SetAttribute("to", static_cast<int64_t>(like->type.element_type));
  node.ResizeInputs(1);
  node.SetOperator("", "Cast", node.opset());
  return true;
}

// What is asked of an optional that was just made is asked of its content.
bool AskContent(Node& node) {
  if (!Is(node, "OptionalHasElement") && !Is(node, "OptionalGetElement")) return false;
  const Node* const made = ProducerOf(node.input(0), "Optional");
  if (made == nullptr || made->input(0) == nullptr) return false;
  node.SetInput(0, made->input(0));
  return true;
}

// A sequence that is made to be joined: Concat reads its items where they are.
bool JoinItems(Node& node) {
  if (!Is(node, "ConcatFromSequence") || node.IntAttribute("new_axis", 0) != 0) return false;
  const Node* const made = ProducerOf(node.input(0), "SequenceConstruct");
  if (made == nullptr || &made->graph() != &node.graph()) return false;
  node.SetOperator("", "Concat", 13);
  node.RemoveAttribute("new_axis");
  for (int i = 0; i < made->input_count(); ++i) node.SetInput(i, made->input(i));
  return true;
}

}  // namespace

bool Simplify(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= Simplify(*subgraph);
    changed |= JoinTransposes(node) || JoinReshapes(node) || JoinWidenings(node) ||
               NameType(node) || AskContent(node) || JoinItems(node);
    if (PassesThrough(node)) changed |= Bypass(graph, node);
  }
  return changed;
}

}  // namespace mullion::optimizer
