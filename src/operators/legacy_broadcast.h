// SPDX-License-Identifier: MIT
// Broadcasting as opsets 1 to 6 had it: off unless the attribute `broadcast` is 1, and then by the
// attribute `axis`, the place among the first operand's axes where the second one's begin.
#ifndef MULLION_OPERATORS_LEGACY_BROADCAST_H_
#define MULLION_OPERATORS_LEGACY_BROADCAST_H_

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Rewrites a node of that kind for opset 7, where shapes are aligned at their last axes: the second
// operand gets axes of one element behind its own.
Status UpgradeLegacyBroadcast(Node& node);

// Gives input `input` of `node` `count` more axes of one element behind its last. A constant is
// seen with another shape; anything else goes through an Unsqueeze before the node.
Status AppendUnitAxes(Node& node, int input, int count);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LEGACY_BROADCAST_H_
