// SPDX-License-Identifier: MIT
#include "operators/group_query_attention.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/registry.h"

namespace mullion::operators {

using namespace group_query;

namespace {

// What caches of so many bits may hold; the first of 8 where there is no past to tell.
ElementTypeSet CacheTypes(int64_t bits) {
  if (bits == 4) return SetOf(ElementType::kUint8);
  return SetOf(ElementType::kInt8, ElementType::kFloat8E4M3FN);
}
ElementType CacheType(const InferenceContext& context, int64_t bits) {
  if (bits == 0) return context.InputType(kQuery);
  if (context.HasInput(kPastKey)) return context.InputType(kPastKey);
  return bits == 4 ? ElementType::kUint8 : ElementType::kInt8;
}

// Takes the known one of two dimensions that must agree.
bool Agree(int64_t& dim, int64_t other) {
  if (dim < 0) dim = other;
  return other < 0 || dim == other;
}

Status CheckGroupQueryTypes(const InferenceContext& context, int64_t bits) {
  for (const int i : {kKey, kValue, kLengths}) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  }
  for (const int i : {kKey, kValue, kScoreBias, kSinks}) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(kQuery, i));
  }
  for (const int i : {kPastKey, kPastValue}) {
    MULLION_RETURN_IF_ERROR(bits == 0 ? context.RequireSameType(kQuery, i)
                                      : context.RequireType(i, CacheTypes(bits)));
  }
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kPastKey, kPastValue));
  for (const int i : {kKeyScale, kValueScale}) {
    if (bits != 0) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat));
  }
  for (const int i : {kLengths, kTotal, kOrigins}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, SetOf(ElementType::kInt32)));
  }
  if (!context.HasInput(kPastKey)) MULLION_RETURN_IF_ERROR(context.RequireInput(kTotal));
  if (context.HasInput(kPastKey) == context.HasInput(kPastValue)) return OkStatus();
  return context.Error("inputs 3 (past_key) and 4 (past_value) must be given both or neither");
}

// A step for all numbers of a cache, or one for each of a head's.
Status CheckScale(const InferenceContext& context, int i, const GroupQueryShape& shape) {
  const Shape* const scale = context.InputShape(i);
  if (shape.bits == 0 || scale == nullptr || !scale->IsConcrete() || shape.size < 0) {
    return OkStatus();
  }
  const bool each = context.node().StringAttribute(i == kKeyScale ? "k_quant_type" : "v_quant_type",
                                                   "") == "PER_CHANNEL";
  const int64_t count = each ? shape.key_heads * shape.size : 1;
  if (scale->ElementCount() == count) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have ", count, " elements");
}

Status CheckOrigins(const InferenceContext& context, const GroupQueryShape& shape) {
  const Shape* const origins = context.InputShape(kOrigins);
  if (origins == nullptr || !origins->IsConcrete() || shape.batch < 0 || shape.capacity < 0) {
    return OkStatus();
  }
  // With a single beam there is nothing to choose from.
  if (origins->rank() == 3 && (*origins)[0] * (*origins)[1] == shape.batch &&
      (*origins)[2] <= shape.capacity) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(kOrigins), " but must have rank 3, ", shape.batch,
                       " rows in all, and ", shape.capacity, " columns at most");
}

Status RequireCount(const InferenceContext& context, int i, int64_t count) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || count < 0 || shape->ElementCount() == count) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(i), " but must have ", count, " elements");
}

Status RequireShape(const InferenceContext& context, int i, int like) {
  const Shape* const shape = context.InputShape(i);
  const Shape* const other = context.InputShape(like);
  if (shape == nullptr || other == nullptr || !shape->IsConcrete() || !other->IsConcrete() ||
      *shape == *other) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(i), " but ", context.DescribeInput(like),
                       "; both must have one shape");
}

Status CheckScoreBias(const InferenceContext& context, const GroupQueryShape& shape) {
  const Shape* const bias = context.InputShape(kScoreBias);
  if (bias == nullptr) return OkStatus();
  const int64_t wanted[] = {shape.batch, shape.heads, shape.tokens};
  bool fits = bias->rank() == 4;
  for (int i = 0; fits && i < 3; ++i) {
    const int64_t dim = (*bias)[i];
    fits = dim < 0 || wanted[i] < 0 || dim == wanted[i] || dim == 1;
  }
  if (fits) return OkStatus();
  return context.Error(context.DescribeInput(kScoreBias), " but must have ", shape.batch, " or 1, ",
                       shape.heads, " or 1, ", shape.tokens, " or 1, and any columns");
}

Status InferGroupQuery(InferenceContext& context) {
  const int64_t bits = context.node().IntAttribute("kv_cache_bit_width", 0);
  MULLION_RETURN_IF_ERROR(CheckGroupQueryTypes(context, bits));
  const ElementType type = context.InputType(kQuery);
  const ElementType cached = CacheType(context, bits);
  const Shape* const query = context.InputShape(kQuery);
  const Shape* const key = context.InputShape(kKey);
  const Shape* const past = context.InputShape(kPastKey);
  if (query == nullptr || key == nullptr || (past == nullptr && context.HasInput(kPastKey))) {
    for (const int i : {kOut, kScores}) context.SetOutput(i, type);
    for (const int i : {kPresentKey, kPresentValue}) context.SetOutput(i, cached);
    return OkStatus();
  }
  const auto totals = context.InputInts(kTotal);
  const bool known = totals.has_value() && totals->size() == 1;
  // Without the number there is room in the caches.
  int64_t total = context.HasInput(kTotal) ? kUnknownDim : 0;
  if (known) total = std::max<int64_t>(totals->front(), 0);
  MULLION_ASSIGN_OR_RETURN(const GroupQueryShape shape,
                           GroupQueryShape::FromShapes(context.node(), *query, *key, past, total));
  MULLION_RETURN_IF_ERROR(RequireShape(context, kValue, kKey));
  MULLION_RETURN_IF_ERROR(RequireShape(context, kPastValue, kPastKey));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kLengths, shape.batch));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kTotal, 1));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kSinks, shape.heads));
  for (const int i : {kKeyScale, kValueScale}) {
    MULLION_RETURN_IF_ERROR(CheckScale(context, i, shape));
  }
  MULLION_RETURN_IF_ERROR(CheckOrigins(context, shape));
  MULLION_RETURN_IF_ERROR(CheckScoreBias(context, shape));
  context.SetOutput(kOut, type, shape.OutputShape());
  context.SetOutput(kPresentKey, cached, shape.PresentShape());
  context.SetOutput(kPresentValue, cached, shape.PresentShape());
  context.SetOutput(kScores, type, {shape.batch, shape.heads, shape.tokens, total});
  return OkStatus();
}

}  // namespace

Result<GroupQueryShape> GroupQueryShape::FromShapes(const Node& node, const Shape& query,
                                                    const Shape& key, const Shape* past,
                                                    int64_t total) {
  GroupQueryShape s;
  s.heads = node.IntAttribute("num_heads", 0);
  s.key_heads = node.IntAttribute("kv_num_heads", 0);
  if (s.heads < 1 || s.key_heads < 1 || s.heads % s.key_heads != 0) {
    return WrongNode(node, "attributes 'num_heads' and 'kv_num_heads' are ", s.heads, " and ",
                     s.key_heads, "; the second must divide the first");
  }
  s.bits = node.IntAttribute("kv_cache_bit_width", 0);
  s.sliding = node.IntAttribute("sliding_window_cache", 0) != 0;
  bool fits = query.rank() == 3 && key.rank() == 3 && (past == nullptr || past->rank() == 4);
  if (fits) {
    s.batch = query[0];
    s.tokens = query[1];
    s.new_keys = key[1];
    if (query[2] >= 0) s.size = query[2] / s.heads;
    fits = (query[2] < 0 || query[2] % s.heads == 0) && (key[2] < 0 || key[2] % s.key_heads == 0) &&
           Agree(s.size, key[2] < 0 ? kUnknownDim : key[2] / s.key_heads) &&
           Agree(s.batch, key[0]) && (s.new_keys == 0 || Agree(s.tokens, s.new_keys));
  }
  if (fits && past != nullptr) {
    int64_t key_heads = s.key_heads;
    int64_t elements = s.row_elements();
    s.held = (*past)[2];
    fits = Agree(s.batch, (*past)[0]) && Agree(key_heads, (*past)[1]) &&
           Agree(elements, (*past)[3]) && !(s.sliding && s.new_keys == 0);
    if (s.bits == 0) s.size = elements;
    // A cache longer than the longest row stays as long as it is.
    if (s.held >= 0 && total >= 0) s.capacity = std::max(s.held, total);
    if (s.sliding) s.capacity = s.held;
    const int64_t window = node.IntAttribute("local_window_size", -1);
    if (s.sliding && s.held >= 0 && s.held < window) {
      return WrongNode(node, "a cache of ", s.held, " keys does not hold a window of ", window,
                       "; make it longer");
    }
  } else {
    s.capacity = s.tokens;
    fits = fits && !s.sliding && (s.new_keys != 0 || s.tokens <= 0);
  }
  if (fits) return s;
  return WrongNode(node, "query and key have shapes ", query.ToString(), " and ", key.ToString(),
                   past != nullptr ? StrCat(" with past keys ", past->ToString()) : "", ", which ",
                   s.heads, " and ", s.key_heads, " heads cannot share");
}

void RegisterGroupQueryAttention(OperatorRegistry& registry) {
  registry.Add({.name = "GroupQueryAttention",
                .domain = kInternalDomain,
                .inputs = {6, kInputs},
                .outputs = {1, 4},
                .types = types::kFloat | types::kHalfFloats,
                .infer = InferGroupQuery});
}

}  // namespace mullion::operators
