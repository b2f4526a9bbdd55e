// SPDX-License-Identifier: MIT
#ifndef MULLION_OPTIMIZER_JOIN_SPLITS_H_
#define MULLION_OPTIMIZER_JOIN_SPLITS_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// A Concat whose inputs are, side by side, all parts of one Split along the same axis takes what
// was split instead.
bool JoinSplits(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_JOIN_SPLITS_H_
