// SPDX-License-Identifier: MIT
#include "optimizer/pool_first.h"

#include <algorithm>
#include <vector>

#include "operators/pool.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Of those that rise, what costs more than being part of the operator before.
bool IsRisingFunction(const Node& node) {
  if (Is(node, "Elu")) return node.FloatAttribute("alpha", 1.0f) >= 0;
  return Is(node, "Tanh") || Is(node, "Sigmoid") || Is(node, "Softplus");
}

// Whether it leaves less than it reads, and does not say where it was. A window of padding alone
// gives minus infinity, of which a function makes something else, so none may be: windows without
// gaps that are wider than the pads always hold an element of an image that has any.
bool IsThinning(const Node& pool) {
  const bool global = Is(pool, "GlobalMaxPool");
  if ((!global && !Is(pool, "MaxPool")) || pool.output(1) != nullptr) return false;
  const Value& image = *pool.input(0);
  if (!image.type.has_shape) return false;
  for (int i = 2; i < image.type.shape.rank(); ++i) {
    if (image.type.shape[i] < 1) return false;
  }
  if (global) return true;
  const auto windows = operators::PoolParameters::FromNode(pool);
  if (!windows.ok() || windows->spatial_rank != image.type.shape.rank() - 2) return false;
  bool thins = false;
  const auto axes = windows->Axes(image.type.shape);
  for (int i = 0; i < windows->spatial_rank; ++i) {
    const operators::WindowAxis& axis = axes[static_cast<size_t>(i)];
    if (axis.dilation != 1 || std::max(axis.pad_begin, axis.pad_end) >= axis.kernel) return false;
    thins = thins || axis.stride > 1;
  }
  return thins;
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
