// SPDX-License-Identifier: MIT
// Layout: image-like chains run channels-last from end to end.
//
// Goals: one forward walk, linear in nodes; every Transpose that it makes stands at a border and is
// shared by all readers there. Non-goals: choosing between layouts by cost.
#ifndef MULLION_OPTIMIZER_LAYOUT_H_
#define MULLION_OPTIMIZER_LAYOUT_H_

#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion::optimizer {

// Values that come out of spatial operators (Conv, pools, ...) are kept as [N, spatial..., C]; what
// reads them either takes part (elementwise operators, Concat, reductions: the axis is renumbered)
// or is a border and gets a Transpose back. Returns whether anything changed.
bool PlaceChannelsLast(Graph& graph, const OperatorRegistry& registry);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_LAYOUT_H_
