// SPDX-License-Identifier: MIT
#include "optimizer/join_attention.h"

#include <optional>

#include "operators/attention.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

using namespace operators::attention;

// The one integer of a constant.
std::optional<int64_t> IntegerOf(const Value* value) {
  if (value == nullptr || !value->IsConstant() || value->constant.count() != 1) return std::nullopt;
  const Tensor& number = value->constant;
  if (number.type() == ElementType::kInt32) return number.span<int32_t>()[0];
  if (number.type() == ElementType::kInt64) return number.span<int64_t>()[0];
  return std::nullopt;
}

// The one node that reads `value`, if it is `name`; else null.
Node* OnlyReader(const Graph& graph, const Value* value, std::string_view name) {
  if (value == nullptr || !HasOneReader(*value)) return nullptr;
  Node* const reader = value->uses()[0].node;
  return &reader->graph() == &graph && Is(*reader, name) ? reader : nullptr;
}

// Queries, keys and values that a Split along the last axis makes for this node alone.
bool JoinOperands(Node& attention) {
  const Node* const split = ProducerOf(attention.input(kQuery), "Split");
  if (split == nullptr || split->output_count() != 3) return false;
  int64_t width[3];
  for (int i = 0; i < 3; ++i) {
    const Value* const part = attention.input(i);
    if (part != split->output(i) || !HasOneReader(*part) || !part->type.has_shape ||
        part->type.shape.rank() != 3) {
      return false;
    }
    width[i] = part->type.shape[2];
  }
  const int64_t axis = split->IntAttribute("axis", 0);
  const int64_t query_heads = attention.IntAttribute("q_num_heads", 0);
  const int64_t key_heads = attention.IntAttribute("kv_num_heads", 0);
  if ((axis != 2 && axis != -1) || query_heads < 1 || key_heads < 1) return false;
  const int64_t size = width[1] / key_heads;
  if (size < 1 || width[0] != query_heads * size || width[1] != key_heads * size ||
      width[2] != width[1]) {
    return false;
  }
  for (int i = 0; i < 3; ++i) attention.SetInput(i, split->input(0));
  attention.SetAttribute(kJoinedOperands, int64_t{1});
  return true;
}

// The value [2, ...] of whose first axis `part` is element `index`.
Value* StackOf(const Value* part, int64_t index) {
  const Node* const gather = ProducerOf(part, "Gather");
  if (gather == nullptr || gather->IntAttribute("axis", 0) != 0 ||
      IntegerOf(gather->input(1)) != index) {
    return nullptr;
  }
  const Value& stack = *gather->input(0);
  const bool fits = stack.type.has_shape && stack.type.shape.rank() == 5 &&
                    stack.type.shape[0] == 2 && part->type.has_shape &&
                    part->type.shape.rank() == 4 && !stack.IsConstant();
  return fits ? gather->input(0) : nullptr;
}

bool JoinPast(Node& attention) {
  Value* const keys = StackOf(attention.input(kPastKey), 0);
  if (keys == nullptr || StackOf(attention.input(kPastValue), 1) != keys) return false;
  attention.SetInput(kPastKey, keys);
  attention.SetInput(kPastValue, keys);
  attention.SetAttribute(kJoinedPast, int64_t{1});
  return true;
}

// Unsqueeze of axis 0 that alone reads `part`.
Node* StackedBy(const Graph& graph, const Value* part) {
  Node* const unsqueeze = OnlyReader(graph, part, "Unsqueeze");
  return unsqueeze != nullptr && IntegerOf(unsqueeze->input(1)) == 0 ? unsqueeze : nullptr;
}

bool JoinPresent(Graph& graph, Node& attention) {
  Node* const keys = StackedBy(graph, attention.output(kPresentKey));
  Node* const values = StackedBy(graph, attention.output(kPresentValue));
  if (keys == nullptr || values == nullptr) return false;
  Node* const concat = OnlyReader(graph, keys->output(0), "Concat");
  if (concat == nullptr || concat != OnlyReader(graph, values->output(0), "Concat") ||
      concat->input_count() != 2 || concat->IntAttribute("axis", -1) != 0 ||
      concat->input(0) != keys->output(0)) {
    return false;
  }
  // Values are as wide as keys, or the model's Concat would fail.
  Value* const stack = concat->output(0);
  concat->SetOutput(0, nullptr);
  graph.Remove(*concat);
  graph.Remove(*keys);
  graph.Remove(*values);
  attention.SetOutput(kPresentKey, nullptr);
  attention.SetOutput(kPresentValue, nullptr);
  attention.SetOutput(kPresentKey, stack);
  attention.TrimOutputs();
  attention.SetAttribute(kJoinedPresent, int64_t{1});
  return true;
}

}  // namespace

bool JoinAttention(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= JoinAttention(*subgraph);
    if (Is(node, "Attention")) {
      changed |= JoinOperands(node);
      changed |= JoinPast(node);
      changed |= JoinPresent(graph, node);
    }
    ++place;
  }
  return changed;
}

}  // namespace mullion::optimizer
