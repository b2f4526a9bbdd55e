// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention as kernels see it: in the internal domain, with query, key
// and value apart and turned already.
#ifndef MULLION_OPERATORS_GROUP_QUERY_ATTENTION_H_
#define MULLION_OPERATORS_GROUP_QUERY_ATTENTION_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

namespace group_query {
enum Input {
  kQuery,      // [batch, tokens, heads * size]
  kKey,        // [batch, tokens, key heads * size]
  kValue,      // as kKey
  kPastKey,    // [batch, key heads, capacity, size]
  kPastValue,  // as kPastKey
  kLengths,    // int32 [batch]: keys of each row with the new ones, less 1
  kTotal,      // int32: keys of the longest row with the new ones
  kScoreBias,  // [batch or 1, heads or 1, tokens, keys]
  kSinks,      // [heads]: what else a row of scores is normalized with
  kInputs
};
enum Output { kOut, kPresentKey, kPresentValue };
}  // namespace group_query

// Dimensions may be unknown.
struct GroupQueryShape {
  // `past` may be null; `total` negative when not known.
  static Result<GroupQueryShape> FromShapes(const Node& node, const Shape& query, const Shape& key,
                                            const Shape* past, int64_t total);

  int64_t batch = kUnknownDim;
  int64_t tokens = kUnknownDim;
  int64_t heads = 0;
  int64_t key_heads = 0;
  int64_t size = kUnknownDim;
  int64_t capacity = kUnknownDim;  // keys that the caches of the present have room for

  Shape OutputShape() const { return {batch, tokens, size < 0 ? kUnknownDim : heads * size}; }
  Shape PresentShape() const { return {batch, key_heads, capacity, size}; }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_GROUP_QUERY_ATTENTION_H_
