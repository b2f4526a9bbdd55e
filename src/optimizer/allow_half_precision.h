// SPDX-License-Identifier: MIT
// Marks the products that may be computed in half precision (see operators/precision.h).
#ifndef MULLION_OPTIMIZER_ALLOW_HALF_PRECISION_H_
#define MULLION_OPTIMIZER_ALLOW_HALF_PRECISION_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// In the graph and in those inside it. The last rewrite: it marks nodes that others would replace.
void AllowHalfPrecision(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_ALLOW_HALF_PRECISION_H_
