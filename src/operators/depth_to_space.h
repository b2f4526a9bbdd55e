// SPDX-License-Identifier: MIT
// What DepthToSpace and SpaceToDepth do to a shape.
#ifndef MULLION_OPERATORS_DEPTH_TO_SPACE_H_
#define MULLION_OPERATORS_DEPTH_TO_SPACE_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

struct BlockParameters {
  int64_t block = 0;
  // DepthToSpace: the channel is the slow part of the input's channel axis (mode CRD), else the
  // position in the block is (DCR).
  bool channel_first = false;
  // Input and output are [N, H, W, C] instead of [N, C, H, W].
  bool channels_last = false;
};

Result<BlockParameters> BlockParametersOf(const Node& node);

// Both need rank 4; unknown dimensions stay unknown.
Result<Shape> DepthToSpaceTarget(const Shape& input, const BlockParameters& parameters);
Result<Shape> SpaceToDepthTarget(const Shape& input, const BlockParameters& parameters);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_DEPTH_TO_SPACE_H_
