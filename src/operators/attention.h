// SPDX-License-Identifier: MIT
// Sizes of ai.onnx's Attention, whose operands come as [batch, heads, tokens, size] or as
// [batch, tokens, heads * size] ("flat").
//
// What the optimizer makes of attention that was written out has attribute fused_fill, and differs
// from the standard's: operands may have either form each, attribute fused_flat_output gives that
// of the output; the mask is a float bias that covers all keys; input 7 is a condition, bool and
// shaped like the mask, and where it is false scores become fused_fill before the bias is added. A
// row of nothing but -infinity gives NaN, as Softmax does, not zeros; with attribute
// fused_without_nan zeros, as does any row of whose scores one is NaN.
//
// Other attributes of the optimizer's, each 1 or absent, say that operands lie in one tensor, so
// that nobody need take it apart (optimizer/join_attention.h): with joined_operands inputs 0 to 2
// are one [batch, tokens, (query heads + 2 key heads) * size], queries first and values last; with
// joined_past inputs 4 and 5 are one [2, batch, heads, tokens, size], keys first; with
// joined_present so is output 1, and output 2 is left out.
#ifndef MULLION_OPERATORS_ATTENTION_H_
#define MULLION_OPERATORS_ATTENTION_H_

#include <cstdint>
#include <string_view>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Inputs and outputs of Attention-24.
namespace attention {
enum Input { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kLengths, kCondition };
enum Output { kOut, kPresentKey, kPresentValue, kScores };
inline constexpr std::string_view kFusedFill = "fused_fill";
inline constexpr std::string_view kFusedFlatOutput = "fused_flat_output";
inline constexpr std::string_view kFusedWithoutNan = "fused_without_nan";
inline constexpr std::string_view kJoinedOperands = "joined_operands";
inline constexpr std::string_view kJoinedPast = "joined_past";
inline constexpr std::string_view kJoinedPresent = "joined_present";
}  // namespace attention

// Dimensions may be unknown.
struct AttentionShape {
  // The inputs' shapes, joined or not; `past` may be null. Checks them against each other and the
  // attributes.
  static Result<AttentionShape> FromShapes(const Node& node, const Shape& query, const Shape& key,
                                           const Shape& value, const Shape* past);

  bool flat_query = false;  // operands of rank 3
  bool flat_key = false;
  bool flat_value = false;
  bool flat_output = false;
  bool joined_present = false;
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
  // Of keys or values.
  Shape PresentShape(int64_t head_size) const { return {batch, key_heads, keys(), head_size}; }
  // Of the output: of keys or both.
  Shape PresentKeyShape() const {
    return joined_present ? Shape{2, batch, key_heads, keys(), size} : PresentShape(size);
  }
  Shape ScoresShape() const { return {batch, query_heads, queries, keys()}; }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ATTENTION_H_
