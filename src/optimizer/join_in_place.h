// SPDX-License-Identifier: MIT
// Concat along the channels of images that have them last: convolutions write their part of the
// result themselves (see operators/whole_output.h), one after another.
//
// Goals: no part that a convolution makes for the Concat alone is copied. Non-goals: parts of other
// operators, which are copied as before.
#ifndef MULLION_OPTIMIZER_JOIN_IN_PLACE_H_
#define MULLION_OPTIMIZER_JOIN_IN_PLACE_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Returns whether anything changed. Runs last: what a Conv gives out is not its own alone then.
bool JoinInPlace(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_JOIN_IN_PLACE_H_
