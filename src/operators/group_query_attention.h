// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention as kernels see it: in the internal domain, with query, key
// and value apart, normalized and turned already. Attributes are those of the standard's.
//
// Caches of an attribute 'kv_cache_bit_width' hold whole numbers, int8 or two of 4 bits in an uint8
// (8 more than they are, the first in the low bits), or float8e4m3fn, of steps that kKeyScale and
// kValueScale give.
//
// With 'sliding_window_cache' they hold the last keys only, in the order of the tokens: as many as
// there is room for at first, later fewer, for what the window no longer reaches goes in portions.
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
  kKey,        // [batch, tokens, key heads * size]; or without tokens where all are in the caches
  kValue,      // as kKey
  kPastKey,    // [batch, key heads, capacity, size], or half the size of 4 bits
  kPastValue,  // as kPastKey
  kLengths,    // int32 [batch]: keys of each row with the new ones, less 1
  kTotal,      // int32: keys of the longest row with the new ones; may be left out with a past
  kScoreBias,  // [batch or 1, heads or 1, tokens or 1, keys], also of keys that are gone
  kSinks,      // [heads]: what else a row of scores is normalized with
  kKeyScale,   // float, of one element or [key heads * size]
  kValueScale,
  kOrigins,  // int32 [batch / beams, beams, capacity]: of which beam a row's past keys are
  kInputs
};
enum Output { kOut, kPresentKey, kPresentValue, kScores };
}  // namespace group_query

// Dimensions may be unknown.
struct GroupQueryShape {
  // `past` may be null; `total` negative when not known.
  static Result<GroupQueryShape> FromShapes(const Node& node, const Shape& query, const Shape& key,
                                            const Shape* past, int64_t total);

  int64_t batch = kUnknownDim;
  int64_t tokens = kUnknownDim;
  int64_t new_keys = kUnknownDim;  // tokens, or 0
  int64_t heads = 0;
  int64_t key_heads = 0;
  int64_t size = kUnknownDim;
  int64_t capacity = kUnknownDim;  // keys that the caches of the present have room for
  int64_t held = 0;                // and those of the past
  int64_t bits = 0;                // of a number in the caches; 0 for floats
  bool sliding = false;            // the caches hold the last keys only

  int64_t row_elements() const { return bits == 4 && size >= 0 ? (size + 1) / 2 : size; }
  Shape OutputShape() const { return {batch, tokens, size < 0 ? kUnknownDim : heads * size}; }
  Shape PresentShape() const { return {batch, key_heads, capacity, row_elements()}; }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_GROUP_QUERY_ATTENTION_H_
