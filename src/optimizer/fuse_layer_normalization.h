// SPDX-License-Identifier: MIT
// LayerNormalization and RMSNormalization as exporters write them out, as one node.
#ifndef MULLION_OPTIMIZER_FUSE_LAYER_NORMALIZATION_H_
#define MULLION_OPTIMIZER_FUSE_LAYER_NORMALIZATION_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// d / sqrt(mean(d^2) + epsilon) * scale + shift along the last axis, with d = x - mean(x), or x
// itself and no shift. Returns whether anything changed; what the formulas leave behind is removed.
bool FuseLayerNormalization(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_LAYER_NORMALIZATION_H_
