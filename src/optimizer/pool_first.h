// SPDX-License-Identifier: MIT
// Activations that rise everywhere are computed of what MaxPool leaves, which is the largest either
// way, instead of all that it reads.
#ifndef MULLION_OPTIMIZER_POOL_FIRST_H_
#define MULLION_OPTIMIZER_POOL_FIRST_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool PoolFirst(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_POOL_FIRST_H_
