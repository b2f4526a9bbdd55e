// SPDX-License-Identifier: MIT
// Elementwise float operators that only feed each other become one node, which reads and writes
// memory once.
#ifndef MULLION_OPTIMIZER_FUSE_ELEMENTWISE_H_
#define MULLION_OPTIMIZER_FUSE_ELEMENTWISE_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Fuses each tree of nodes whose values all provably have the shape of the last one's output and
// are read inside the tree alone. What has another shape, such as a scale for each channel, stays
// an input and is broadcast. Linear in nodes; subgraphs included. Returns whether anything changed.
bool FuseElementwise(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_ELEMENTWISE_H_
