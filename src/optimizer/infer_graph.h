// SPDX-License-Identifier: MIT
// Import normalisation and inference: old operator forms become the newest one, and every value
// gets its type and, as far as it can be known before shapes are bound, its shape.
#ifndef MULLION_OPTIMIZER_INFER_GRAPH_H_
#define MULLION_OPTIMIZER_INFER_GRAPH_H_

#include <string>
#include <vector>

#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion::optimizer {

// A node that could not be inferred, for listings.
struct Problem {
  const Node* node;
  Status status;
};

// Infers `graph` and its subgraphs in order. With `problems`, goes on after a node that fails and
// lists it there; without, returns the first failure. Linear in nodes.
Status InferGraph(Graph& graph, const OperatorRegistry& registry,
                  std::vector<Problem>* problems = nullptr);

// Infers one node again, after a rewrite changed it or what it reads.
Status InferNodeTypes(Node& node, const OperatorRegistry& registry);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_INFER_GRAPH_H_
