// SPDX-License-Identifier: MIT
// Sizes of LinearAttention-27, whose operands are [batch, tokens, heads * size].
#ifndef MULLION_OPERATORS_LINEAR_ATTENTION_H_
#define MULLION_OPERATORS_LINEAR_ATTENTION_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Its inputs and outputs.
namespace linear_attention {
enum Input { kQuery, kKey, kValue, kPastState, kDecay, kBeta, kInputs };
enum Output { kOut, kPresentState };
}  // namespace linear_attention

// Dimensions may be unknown.
struct LinearAttentionShape {
  // `shapes` are those of the inputs, null where one is left out or its rank is not known. Checks
  // them against each other and the attributes; the message of an error says what is wrong.
  static Result<LinearAttentionShape> FromShapes(
      const Node& node, const Shape* const (&shapes)[linear_attention::kInputs]);

  bool gated = false;  // the state decays
  bool delta = false;  // the state takes what differs from what it has
  int64_t batch = kUnknownDim;
  int64_t tokens = kUnknownDim;
  int64_t query_heads = 0;
  int64_t heads = 0;  // of keys, values and states; query_heads is a multiple
  int64_t key_size = kUnknownDim;
  int64_t value_size = kUnknownDim;
  int64_t decay_size = 0;  // for each head: 1, or key_size
  int64_t beta_heads = 0;  // 1, or heads

  Shape OutputShape() const;
  Shape StateShape() const { return {batch, heads, key_size, value_size}; }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LINEAR_ATTENTION_H_
