// SPDX-License-Identifier: MIT
// Drops nodes whose results nobody reads, and optional outputs nobody wants.
#ifndef MULLION_OPTIMIZER_REMOVE_DEAD_CODE_H_
#define MULLION_OPTIMIZER_REMOVE_DEAD_CODE_H_

#include "graph/graph.h"

namespace mullion::optimizer {

bool RemoveDeadCode(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_REMOVE_DEAD_CODE_H_
