// SPDX-License-Identifier: MIT
#include "optimizer/remove_dead_code.h"

#include <algorithm>
#include <iterator>

namespace mullion::optimizer {

namespace {

bool IsWanted(const Value* value) {
  return value != nullptr && (!value->uses().empty() || value->IsGraphOutput());
}

}  // namespace

bool RemoveDeadCode(Graph& graph) {
  bool changed = false;
  // Backwards: a node's readers are gone before it is looked at.
  for (auto place = graph.nodes().end(); place != graph.nodes().begin();) {
    --place;
    Node& node = **place;
    if (std::none_of(node.outputs().begin(), node.outputs().end(), IsWanted)) {
      ++place;
      graph.Remove(node);
      changed = true;
      continue;
    }
    for (int i = 1; i < node.output_count(); ++i) {
      if (node.output(i) != nullptr && !IsWanted(node.output(i))) {
        node.SetOutput(i, nullptr);
        changed = true;
      }
    }
    for (Graph* const subgraph : node.Subgraphs()) changed |= RemoveDeadCode(*subgraph);
  }
  return changed;
}

}  // namespace mullion::optimizer
