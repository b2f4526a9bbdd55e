// SPDX-License-Identifier: MIT
#include "optimizer/join_splits.h"

#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// The axis from the front; negative when the rank is not known.
int64_t AxisOf(const Node& node, const Value& value) {
  const int64_t axis = node.IntAttribute("axis", 0);
  if (axis >= 0) return axis;
  return value.type.has_shape ? axis + value.type.shape.rank() : -1;
}

// The Split whose outputs are the inputs of `concat` from `first` on.
Node* SplitAt(const Node& concat, int first) {
  Node* const split = ProducerOf(concat.input(first), "Split");
  if (split == nullptr || first + split->output_count() > concat.input_count()) return nullptr;
  for (int i = 0; i < split->output_count(); ++i) {
    if (split->output(i) == nullptr || concat.input(first + i) != split->output(i)) return nullptr;
  }
  const int64_t axis = AxisOf(concat, *concat.output(0));
  return axis >= 0 && axis == AxisOf(*split, *split->input(0)) ? split : nullptr;
}

bool JoinParts(Node& concat) {
  std::vector<Value*> inputs;
  for (int i = 0; i < concat.input_count();) {
    Node* const split = SplitAt(concat, i);
    inputs.push_back(split == nullptr ? concat.input(i) : split->input(0));
    i += split == nullptr ? 1 : split->output_count();
  }
  if (static_cast<int>(inputs.size()) == concat.input_count()) return false;
  for (size_t i = 0; i < inputs.size(); ++i) concat.SetInput(static_cast<int>(i), inputs[i]);
  concat.ResizeInputs(static_cast<int>(inputs.size()));
  return true;
}

// Parts that nobody reads any longer are not made.
void DropUnread(Node& split) {
  for (int i = 0; i < split.output_count(); ++i) {
    const Value* const part = split.output(i);
    if (part != nullptr && part->uses().empty() && !part->IsGraphOutput()) {
      split.SetOutput(i, nullptr);
    }
  }
}

}  // namespace

bool JoinSplits(Graph& graph) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= JoinSplits(*subgraph);
    if (Is(*node, "Concat")) changed |= JoinParts(*node);
  }
  if (!changed) return false;
  for (const auto& node : graph.nodes()) {
    if (Is(*node, "Split")) DropUnread(*node);
  }
  return true;
}

}  // namespace mullion::optimizer
