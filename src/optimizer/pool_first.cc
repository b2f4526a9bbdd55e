// SPDX-License-Identifier: MIT
#include "optimizer/pool_first.h"

#include <algorithm>
#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Of those that rise, what costs more than being part of the operator before. They give the lowest
// result, not the lowest number, where a window has nothing but padding, which none has.
bool IsRisingFunction(const Node& node) {
  if (Is(node, "Elu")) return node.FloatAttribute("alpha", 1.0f) >= 0;
  return Is(node, "Tanh") || Is(node, "Sigmoid") || Is(node, "Softplus");
}

// Whether it leaves less than it reads, and does not say where it was.
bool IsThinning(const Node& pool) {
  if (pool.output(1) != nullptr) return false;
  if (Is(pool, "GlobalMaxPool")) return true;
  const auto strides = pool.IntsAttribute("strides");
  return Is(pool, "MaxPool") &&
         std::any_of(strides.begin(), strides.end(), [](int64_t stride) { return stride > 1; });
}

}  // namespace

bool PoolFirst(Graph& graph) {
  bool changed = false;
  std::vector<Node*> pools;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= PoolFirst(*subgraph);
    if (IsThinning(*node) && IsFloat(node->output(0))) pools.push_back(node.get());
  }
  for (Node* const pool : pools) {
    Value* const made = pool->input(0);
    Node* const function = made->producer();
    if (function == nullptr || &function->graph() != &graph || !IsRisingFunction(*function) ||
        !HasOneReader(*made)) {
      continue;
    }
    // The value between them becomes what the pool makes, and the pool's output the function's.
    Value* const output = pool->output(0);
    pool->SetInput(0, function->input(0));
    pool->SetOutput(0, nullptr);
    function->SetOutput(0, nullptr);
    pool->SetOutput(0, made);
    made->type = output->type;
    function->SetInput(0, made);
    function->SetOutput(0, output);
    graph.MoveBefore(*pool, *function);
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
