// SPDX-License-Identifier: MIT
// Computes in float what is declared in float16 or bfloat16 and no device computes as such.
#ifndef MULLION_OPTIMIZER_WIDEN_HALVES_H_
#define MULLION_OPTIMIZER_WIDEN_HALVES_H_

#include <cstdint>

#include "graph/graph.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

enum class HalfRange : uint8_t {
  kWhereNeeded,    // only nodes that no device supports in half precision
  kWherePossible,  // also what reads their results, so that floats flow from end to end
};

// Puts Casts around nodes. Between two such nodes the Casts meet and Simplify drops them:
// intermediate results then keep float precision.
bool WidenHalves(Graph& graph, const Capabilities& capabilities, HalfRange range);

// Whether `node` is a Cast that this rewrite made.
bool IsWideningCast(const Node& node);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_WIDEN_HALVES_H_
