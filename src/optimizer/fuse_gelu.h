// SPDX-License-Identifier: MIT
// Gelu in the spellings of exporters, as one node.
#ifndef MULLION_OPTIMIZER_FUSE_GELU_H_
#define MULLION_OPTIMIZER_FUSE_GELU_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// x/2 (1 + erf(x / sqrt(2))) and x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), whatever the order
// of their factors. Returns whether anything changed; what the formulas leave behind is removed.
bool FuseGelu(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_GELU_H_
