// SPDX-License-Identifier: MIT
// What a model from outside may not hold: nodes of the library's own domain, what the optimizer
// adds to nodes of others (kernels trust both, as nothing but the optimizer makes them), and
// attributes of another kind than ONNX has them, which would count as absent.
#ifndef MULLION_OPTIMIZER_CHECK_IMPORTED_H_
#define MULLION_OPTIMIZER_CHECK_IMPORTED_H_

#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion::optimizer {

// For a graph as it was read, subgraphs included, before anything is inferred or rewritten. With
// `problems`, goes on after a node that is refused and lists it there, as InferGraph does.
Status CheckImported(const Graph& graph, const OperatorRegistry& registry,
                     std::vector<Problem>* problems = nullptr);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_CHECK_IMPORTED_H_
