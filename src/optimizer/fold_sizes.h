// SPDX-License-Identifier: MIT
// x.view(x.size(0), -1, 4), as exporters write it: Reshape to a Concat of a size gathered from
// Shape(x), of -1 and of 4. A Reshape copies sizes of its input by itself (0), so the list is
// constant, nothing is computed whenever shapes are bound, and other rewrites see what it does.
#ifndef MULLION_OPTIMIZER_FOLD_SIZES_H_
#define MULLION_OPTIMIZER_FOLD_SIZES_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Gives a Reshape a constant list where each of its sizes is a number, or is known to be that of
// the input at the same place. A symbol that the graph's inputs have twice says nothing: they may
// be given two sizes. Needs inferred types, and inference to run again where it returns true:
// something changed.
bool FoldSizes(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_SIZES_H_
