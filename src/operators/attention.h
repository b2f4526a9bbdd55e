// SPDX-License-Identifier: MIT
// Sizes of ai.onnx's Attention, whose operands come as [batch, heads, tokens, size] or as
// [batch, tokens, heads * size].
#ifndef MULLION_OPERATORS_ATTENTION_H_
#define MULLION_OPERATORS_ATTENTION_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Inputs and outputs of Attention-24.
namespace attention {
enum Input { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kLengths };
enum Output { kOut, kPresentKey, kPresentValue, kScores };
}  // namespace attention

// Dimensions may be unknown.
struct AttentionShape {
  // `past` may be null. Checks the shapes against each other and the attributes.
  static Result<AttentionShape> FromShapes(const Node& node, const Shape& query, const Shape& key,
                                           const Shape& value, const Shape* past);

  bool flat = false;  // operands of rank 3
  int64_t batch = kUnknownDim;
  int64_t query_heads = kUnknownDim;
  int64_t key_heads = kUnknownDim;
  int64_t queries = kUnknownDim;  // tokens
  int64_t new_keys = kUnknownDim;
  int64_t past_keys = 0;
  int64_t size = kUnknownDim;        // of a head of query and key
  int64_t value_size = kUnknownDim;  // of a head of value

  int64_t keys() const {
    return new_keys < 0 || past_keys < 0 ? kUnknownDim : new_keys + past_keys;
  }
  Shape OutputShape() const;
  Shape PresentShape(int64_t head_size) const { return {batch, key_heads, keys(), head_size}; }
  Shape ScoresShape() const { return {batch, query_heads, queries, keys()}; }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ATTENTION_H_
