// SPDX-License-Identifier: MIT
// A picture's first layer of stride 2 gives out what the MaxPool behind it makes of it, so
// that its own output, the largest of a network, is never in memory.
#ifndef MULLION_OPTIMIZER_FUSE_MAX_POOL_H_
#define MULLION_OPTIMIZER_FUSE_MAX_POOL_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool FuseMaxPool(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_MAX_POOL_H_
