// SPDX-License-Identifier: MIT
// Algebra: nodes that do nothing, or undo one another.
#ifndef MULLION_OPTIMIZER_SIMPLIFY_H_
#define MULLION_OPTIMIZER_SIMPLIFY_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Removes Identity, Dropout in inference, Cast to the same type and Transpose that moves nothing;
// joins chains of Transpose and of Reshape; merges Casts that WidenHalves put back to back. Returns
// whether anything changed.
bool Simplify(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_SIMPLIFY_H_
