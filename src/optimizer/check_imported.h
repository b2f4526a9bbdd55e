// SPDX-License-Identifier: MIT
// What a model from outside may not hold: nodes of the library's own domain, what the optimizer
// adds to nodes of others (kernels trust both, as nothing but the optimizer makes them), and
// attributes of another kind than ONNX has them, which would count as absent.
#ifndef MULLION_OPTIMIZER_CHECK_IMPORTED_H_
#define MULLION_OPTIMIZER_CHECK_IMPORTED_H_

#include "base/status.h"
#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion::optimizer {

// For a graph as it was read, subgraphs included, before anything is inferred or rewritten.
Status CheckImported(const Graph& graph, const OperatorRegistry& registry);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_CHECK_IMPORTED_H_
