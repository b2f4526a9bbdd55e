// SPDX-License-Identifier: MIT
// What is computed of each element of rows gathered from a small constant table is computed of the
// table instead, once.
#ifndef MULLION_OPTIMIZER_FOLD_INTO_TABLE_H_
#define MULLION_OPTIMIZER_FOLD_INTO_TABLE_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed: nodes whose inputs are constant stand where folding finds them.
bool FoldIntoTable(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_INTO_TABLE_H_
