// SPDX-License-Identifier: MIT
// Narrow convolutions of one input, as the heads of a detector are, become one: its channels fill
// the vectors that each of them would leave half empty, and the input is read once. Depthwise ones
// that follow are joined too; a Split gives out the channels of each.
#ifndef MULLION_OPTIMIZER_JOIN_CONVOLUTIONS_H_
#define MULLION_OPTIMIZER_JOIN_CONVOLUTIONS_H_

#include "graph/graph.h"

namespace mullion::optimizer {

bool JoinConvolutions(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_JOIN_CONVOLUTIONS_H_
