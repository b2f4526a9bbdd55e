// SPDX-License-Identifier: MIT
// One-hot rows times constant weights are rows of the weights: Gather in the place of Equal, Cast
// and MatMul.
#ifndef MULLION_OPTIMIZER_GATHER_ONE_HOT_H_
#define MULLION_OPTIMIZER_GATHER_ONE_HOT_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool GatherOneHot(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_GATHER_ONE_HOT_H_
