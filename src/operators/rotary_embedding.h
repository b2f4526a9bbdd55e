// SPDX-License-Identifier: MIT
// Sizes of RotaryEmbedding, whose input comes as [batch, heads, tokens, size] or as
// [batch, tokens, heads * size].
#ifndef MULLION_OPERATORS_ROTARY_EMBEDDING_H_
#define MULLION_OPERATORS_ROTARY_EMBEDDING_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

struct RotaryShape {
  // For concrete shapes. `positions` is null when there is no such input.
  static Result<RotaryShape> FromShapes(const Node& node, const Shape& input, const Shape& cosines,
                                        const Shape* positions);

  int64_t batch = 0;
  int64_t heads = 0;
  int64_t tokens = 0;
  int64_t size = 0;       // of a head
  int64_t rotated = 0;    // the first so many elements of a head turn
  int64_t positions = 0;  // rows of the tables, when positions are given
  // Elements from one to the next.
  int64_t batch_stride = 0;
  int64_t head_stride = 0;
  int64_t token_stride = 0;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ROTARY_EMBEDDING_H_
