// SPDX-License-Identifier: MIT
// One node in the place of several that compute the same.
#ifndef MULLION_OPTIMIZER_JOIN_EQUAL_NODES_H_
#define MULLION_OPTIMIZER_JOIN_EQUAL_NODES_H_

#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion::optimizer {

// Exporters write masks, positions and shapes out anew for every layer. Nodes of one output that
// are the same operator of the same attributes and inputs become the first of them; constants of a
// few elements count as the same when their contents are. Returns whether anything changed.
bool JoinEqualNodes(Graph& graph, const OperatorRegistry& registry);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_JOIN_EQUAL_NODES_H_
