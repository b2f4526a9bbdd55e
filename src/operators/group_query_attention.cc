// SPDX-License-Identifier: MIT
#include "operators/group_query_attention.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/registry.h"

namespace mullion::operators {

using namespace group_query;

namespace {

// Takes the known one of two dimensions that must agree.
bool Agree(int64_t& dim, int64_t other) {
  if (dim < 0) dim = other;
  return other < 0 || dim == other;
}

Status CheckGroupQueryTypes(const InferenceContext& context) {
  for (const int i : {kKey, kValue, kLengths, kTotal}) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  }
  for (const int i : {kKey, kValue, kPastKey, kPastValue, kScoreBias, kSinks}) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(kQuery, i));
  }
  for (const int i : {kLengths, kTotal}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, SetOf(ElementType::kInt32)));
  }
  if (context.HasInput(kPastKey) == context.HasInput(kPastValue)) return OkStatus();
  return context.Error("inputs 3 (past_key) and 4 (past_value) must be given both or neither");
}

Status RequireCount(const InferenceContext& context, int i, int64_t count) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || count < 0 || shape->ElementCount() == count) {
    return OkStatus();
  }
  return context.Error(StrCat(context.DescribeInput(i), " but must have ", count, " elements"));
}

Status RequireShape(const InferenceContext& context, int i, int like) {
  const Shape* const shape = context.InputShape(i);
  const Shape* const other = context.InputShape(like);
  if (shape == nullptr || other == nullptr || !shape->IsConcrete() || !other->IsConcrete() ||
      *shape == *other) {
    return OkStatus();
  }
  return context.Error(StrCat(context.DescribeInput(i), " but ", context.DescribeInput(like),
                              "; both must have one shape"));
}

Status CheckScoreBias(const InferenceContext& context, const GroupQueryShape& shape) {
  const Shape* const bias = context.InputShape(kScoreBias);
  if (bias == nullptr) return OkStatus();
  const int64_t wanted[] = {shape.batch, shape.heads, shape.tokens};
  bool fits = bias->rank() == 4;
  for (int i = 0; fits && i < 3; ++i) {
    const int64_t dim = (*bias)[i];
    fits = dim < 0 || wanted[i] < 0 || dim == wanted[i] || (dim == 1 && i < 2);
  }
  if (fits) return OkStatus();
  return context.Error(StrCat(context.DescribeInput(kScoreBias), " but must have ", shape.batch,
                              " or 1, ", shape.heads, " or 1, ", shape.tokens, " and any columns"));
}

Status InferGroupQuery(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(CheckGroupQueryTypes(context));
  const ElementType type = context.InputType(kQuery);
  const Shape* const query = context.InputShape(kQuery);
  const Shape* const key = context.InputShape(kKey);
  const Shape* const past = context.InputShape(kPastKey);
  if (query == nullptr || key == nullptr || (past == nullptr && context.HasInput(kPastKey))) {
    for (int i = 0; i < 3; ++i) context.SetOutput(i, type);
    return OkStatus();
  }
  const auto totals = context.InputInts(kTotal);
  const bool known = totals.has_value() && totals->size() == 1;
  const int64_t total = known ? std::max<int64_t>(totals->front(), 0) : kUnknownDim;
  MULLION_ASSIGN_OR_RETURN(const GroupQueryShape shape,
                           GroupQueryShape::FromShapes(context.node(), *query, *key, past, total));
  MULLION_RETURN_IF_ERROR(RequireShape(context, kValue, kKey));
  MULLION_RETURN_IF_ERROR(RequireShape(context, kPastValue, kPastKey));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kLengths, shape.batch));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kTotal, 1));
  MULLION_RETURN_IF_ERROR(RequireCount(context, kSinks, shape.heads));
  MULLION_RETURN_IF_ERROR(CheckScoreBias(context, shape));
  context.SetOutput(kOut, type, shape.OutputShape());
  context.SetOutput(kPresentKey, type, shape.PresentShape());
  context.SetOutput(kPresentValue, type, shape.PresentShape());
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
    return WrongNode(node, StrCat("attributes 'num_heads' and 'kv_num_heads' are ", s.heads,
                                  " and ", s.key_heads, "; the second must divide the first"));
  }
  bool fits = query.rank() == 3 && key.rank() == 3 && (past == nullptr || past->rank() == 4);
  if (fits) {
    s.batch = query[0];
    s.tokens = query[1];
    if (query[2] >= 0) s.size = query[2] / s.heads;
    fits = (query[2] < 0 || query[2] % s.heads == 0) && (key[2] < 0 || key[2] % s.key_heads == 0) &&
           Agree(s.size, key[2] < 0 ? kUnknownDim : key[2] / s.key_heads) &&
           Agree(s.batch, key[0]) && Agree(s.tokens, key[1]);
  }
  if (fits && past != nullptr) {
    int64_t key_heads = s.key_heads;
    fits = Agree(s.batch, (*past)[0]) && Agree(key_heads, (*past)[1]) && Agree(s.size, (*past)[3]);
    // A cache longer than the longest row stays as long as it is.
    if ((*past)[2] >= 0 && total >= 0) s.capacity = std::max((*past)[2], total);
  } else {
    s.capacity = s.tokens;
  }
  if (fits) return s;
  return WrongNode(
      node, StrCat("query and key have shapes ", query.ToString(), " and ", key.ToString(),
                   past != nullptr ? StrCat(" with past keys ", past->ToString()) : "", ", which ",
                   s.heads, " and ", s.key_heads, " heads cannot share"));
}

void RegisterGroupQueryAttention(OperatorRegistry& registry) {
  registry.Add({.name = "GroupQueryAttention",
                .domain = kInternalDomain,
                .inputs = {7, kInputs},
                .outputs = {1, 3},
                .types = types::kFloat | types::kHalfFloats,
                .infer = InferGroupQuery});
}

}  // namespace mullion::operators
