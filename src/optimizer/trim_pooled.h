// SPDX-License-Identifier: MIT
// Pixels at the end of a convolution's output that the pool behind it does not read are not made:
// its pads shrink.
#ifndef MULLION_OPTIMIZER_TRIM_POOLED_H_
#define MULLION_OPTIMIZER_TRIM_POOLED_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool TrimPooled(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_TRIM_POOLED_H_
