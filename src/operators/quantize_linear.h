// SPDX-License-Identifier: MIT
// How scales and zero points spread over a tensor in QuantizeLinear and DequantizeLinear.
#ifndef MULLION_OPERATORS_QUANTIZE_LINEAR_H_
#define MULLION_OPERATORS_QUANTIZE_LINEAR_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// The tensor seen as [outer, extent, inner]; `block` elements along the middle axis share a scale,
// so that scales are [blocks] or, with `scale_per_inner`, [outer, blocks, inner].
//
//   per tensor   outer 1, extent 1, inner all, block 1
//   per axis     block 1
//   blocked      block as the attribute says, the last one may be shorter
struct QuantizationGrid {
  int64_t outer = 1;
  int64_t extent = 1;
  int64_t inner = 1;
  int64_t block = 1;
  int64_t blocks = 1;
  bool blocked = false;

  int64_t scale_count() const { return blocked ? outer * blocks * inner : blocks; }
};

// For concrete shapes, from the attributes `axis` and `block_size`. The error says which shape of
// scale would fit.
Result<QuantizationGrid> MakeQuantizationGrid(const Node& node, const Shape& x, const Shape& scale);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_QUANTIZE_LINEAR_H_
