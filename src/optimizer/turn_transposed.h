// SPDX-License-Identifier: MIT
// A transposed convolution of stride 1 is a convolution with its kernel turned round, for which
// there are faster ways.
#ifndef MULLION_OPTIMIZER_TURN_TRANSPOSED_H_
#define MULLION_OPTIMIZER_TURN_TRANSPOSED_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool TurnTransposed(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_TURN_TRANSPOSED_H_
