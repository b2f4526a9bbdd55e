// SPDX-License-Identifier: MIT
// Scan along and onto axis 0: whatever axis the model names is brought there by a Transpose, which
// is one pass of tiles over the tensor. Taken one at a time, the elements along a later axis lie
// apart, and each iteration would touch most cache lines of the whole tensor again.
//
// Goals: every axis of a tensor whose rank is known. Non-goals: Scan-8, whose axes are fixed.
#ifndef MULLION_OPTIMIZER_SCAN_FIRST_AXIS_H_
#define MULLION_OPTIMIZER_SCAN_FIRST_AXIS_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Returns whether anything changed.
bool ScanFirstAxis(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_SCAN_FIRST_AXIS_H_
