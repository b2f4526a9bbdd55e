// SPDX-License-Identifier: MIT
// Computes in float what is declared in float16 or bfloat16 and no device computes as such.
#ifndef MULLION_OPTIMIZER_WIDEN_HALVES_H_
#define MULLION_OPTIMIZER_WIDEN_HALVES_H_

#include "graph/graph.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

// Puts Casts around nodes that no device supports in half precision. Between two such nodes the
// Casts meet and Simplify drops them: intermediate results then keep float precision.
bool WidenHalves(Graph& graph, const Capabilities& capabilities);

// Whether `node` is a Cast that this rewrite made.
bool IsWideningCast(const Node& node);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_WIDEN_HALVES_H_
