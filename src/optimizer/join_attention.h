// SPDX-License-Identifier: MIT
// Attention that reads queries, keys and values, and those of the past, where one tensor holds
// them, and writes those of the present into one: Split, Gather and Concat around it go.
#ifndef MULLION_OPTIMIZER_JOIN_ATTENTION_H_
#define MULLION_OPTIMIZER_JOIN_ATTENTION_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed; what nobody reads any more stays for RemoveDeadCode.
bool JoinAttention(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_JOIN_ATTENTION_H_
