// SPDX-License-Identifier: MIT
// Attention-23 and -24, which added nonpad_kv_seqlen.
#include "operators/attention.h"

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

using namespace attention;

// Takes the known one of two dimensions that must agree.
bool Merge(int64_t& dim, int64_t other) {
  if (dim < 0) dim = other;
  return other < 0 || dim == other;
}

// Number of heads and size of each in an operand.
Status ReadHeads(const Node& node, const char* name, const Shape& shape, int64_t& heads,
                 int64_t& size) {
  if (shape.rank() == 4) {
    heads = shape[1];
    size = shape[3];
    return OkStatus();
  }
  heads = node.IntAttribute(name, 0);
  if (heads < 1 || (shape[2] >= 0 && shape[2] % heads != 0)) {
    return WrongNode(node, "attribute '", name, "' is ", heads, " for an operand of shape ",
                     shape.ToString(), ", whose last axis it must divide");
  }
  size = shape[2] < 0 ? kUnknownDim : shape[2] / heads;
  return OkStatus();
}

Status CheckMask(const InferenceContext& context, const AttentionShape& shape, int input) {
  MULLION_RETURN_IF_ERROR(context.RequireType(input, types::kNumeric | SetOf(ElementType::kBool)));
  const Shape* const mask = context.InputShape(input);
  if (mask == nullptr) return OkStatus();
  const int64_t wanted[] = {shape.batch, shape.query_heads, shape.queries};
  bool fits = mask->rank() >= 1 && mask->rank() <= 4;
  for (int i = 1; fits && i < mask->rank(); ++i) {
    const int64_t dim = mask->Back(i);
    fits = dim < 0 || dim == 1 || wanted[3 - i] < 0 || dim == wanted[3 - i];
  }
  // A mask may end early: what it does not cover is masked.
  const int64_t columns = fits ? mask->Back(0) : 0;
  if (fits && (columns < 0 || shape.keys() < 0 || columns <= shape.keys())) return OkStatus();
  return context.Error(context.DescribeInput(input), " but must broadcast to ",
                       shape.ScoresShape().ToString());
}

Status CheckAttentionTypes(const InferenceContext& context) {
  // Keys are of the queries' type; values may be of another.
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kQuery, kKey));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kQuery, kPastKey));
  MULLION_RETURN_IF_ERROR(context.RequireType(kValue, types::kAllFloats));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kValue, kPastValue));
  if (context.HasInput(kPastKey) != context.HasInput(kPastValue)) {
    return context.Error("inputs 4 (past_key) and 5 (past_value) must be given both or neither");
  }
  const int64_t mode = context.node().IntAttribute("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) {
    return context.Error("attribute 'qk_matmul_output_mode' is ", mode, " but must lie in [0, 3]");
  }
  return context.RequireType(kLengths, SetOf(ElementType::kInt64));
}

Status InferAttention(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(kKey));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kValue));
  MULLION_RETURN_IF_ERROR(CheckAttentionTypes(context));
  const ElementType type = context.InputType(kQuery);
  const ElementType value_type = context.InputType(kValue);
  const Shape* const query = context.InputShape(kQuery);
  const Shape* const key = context.InputShape(kKey);
  const Shape* const value = context.InputShape(kValue);
  const Shape* const past = context.InputShape(kPastKey);
  if (query == nullptr || key == nullptr || value == nullptr ||
      (past == nullptr && context.HasInput(kPastKey))) {
    for (int i = 0; i < 4; ++i) context.SetOutput(i, i == kPresentValue ? value_type : type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const AttentionShape shape,
                           AttentionShape::FromShapes(context.node(), *query, *key, *value, past));
  MULLION_RETURN_IF_ERROR(CheckMask(context, shape, kMask));
  MULLION_RETURN_IF_ERROR(CheckMask(context, shape, kCondition));
  const Shape* const past_value = context.InputShape(kPastValue);
  if (past_value != nullptr && past != nullptr && past_value->rank() == 4 &&
      past_value->IsConcrete() && shape.value_size >= 0 &&
      !(*past_value == Shape{(*past)[0], (*past)[1], (*past)[2], shape.value_size})) {
    return context.Error(context.DescribeInput(kPastValue), ", which does not fit ",
                         context.DescribeInput(kPastKey), " and ", context.DescribeInput(kValue));
  }
  const Shape* const lengths = context.InputShape(kLengths);
  if (lengths != nullptr && lengths->IsConcrete() && shape.batch >= 0 &&
      lengths->ElementCount() != shape.batch) {
    return context.Error(context.DescribeInput(kLengths), " but must have ", shape.batch,
                         " elements, one for each row of the batch");
  }
  context.SetOutput(kOut, type, shape.OutputShape());
  context.SetOutput(kPresentKey, type, shape.PresentKeyShape());
  context.SetOutput(kPresentValue, value_type, shape.PresentShape(shape.value_size));
  context.SetOutput(kScores, type, shape.ScoresShape());
  return OkStatus();
}

// `past` is that of keys.
Result<AttentionShape> ShapeOfParts(const Node& node, const Shape& query, const Shape& key,
                                    const Shape& value, const Shape* past) {
  const bool mixed = node.HasAttribute(kFusedFill);
  bool ranks = mixed || (key.rank() == query.rank() && value.rank() == query.rank());
  for (const Shape* const operand : {&query, &key, &value}) {
    ranks = ranks && (operand->rank() == 3 || operand->rank() == 4);
  }
  if (!ranks) {
    return WrongNode(node, "query, key and value have shapes ", query.ToString(), ", ",
                     key.ToString(), " and ", value.ToString(),
                     "; all must have rank 3 or all rank 4");
  }
  AttentionShape s;
  s.flat_query = query.rank() == 3;
  s.flat_key = key.rank() == 3;
  s.flat_value = value.rank() == 3;
  s.flat_output = mixed ? node.IntAttribute(kFusedFlatOutput, 0) != 0 : s.flat_query;
  s.batch = query[0];
  MULLION_RETURN_IF_ERROR(ReadHeads(node, "q_num_heads", query, s.query_heads, s.size));
  int64_t key_size = kUnknownDim;
  int64_t value_heads = kUnknownDim;
  MULLION_RETURN_IF_ERROR(ReadHeads(node, "kv_num_heads", key, s.key_heads, key_size));
  MULLION_RETURN_IF_ERROR(ReadHeads(node, "kv_num_heads", value, value_heads, s.value_size));
  s.queries = query[s.flat_query ? 1 : 2];
  s.new_keys = key[s.flat_key ? 1 : 2];
  bool fits = Merge(s.batch, key[0]) && Merge(s.batch, value[0]) && Merge(s.size, key_size) &&
              Merge(s.key_heads, value_heads) && Merge(s.new_keys, value[s.flat_value ? 1 : 2]);
  if (past != nullptr) {
    fits = fits && past->rank() == 4 && Merge(s.batch, (*past)[0]) &&
           Merge(s.key_heads, (*past)[1]) && Merge(s.size, (*past)[3]);
    s.past_keys = fits ? (*past)[2] : 0;
  }
  if (fits && s.query_heads >= 0 && s.key_heads >= 0) {
    fits = s.key_heads > 0 ? s.query_heads % s.key_heads == 0 : s.query_heads == 0;
  }
  if (fits) return s;
  return WrongNode(node, "query, key and value have shapes ", query.ToString(), ", ",
                   key.ToString(), " and ", value.ToString(),
                   past != nullptr ? StrCat(" with past keys ", past->ToString()) : "",
                   ", which do not fit each other");
}

}  // namespace

Result<AttentionShape> AttentionShape::FromShapes(const Node& node, const Shape& query,
                                                  const Shape& key, const Shape& value,
                                                  const Shape* past) {
  Shape parts[] = {query, key, value};
  if (node.HasAttribute(kJoinedOperands)) {
    const int64_t query_heads = node.IntAttribute("q_num_heads", 0);
    const int64_t key_heads = node.IntAttribute("kv_num_heads", 0);
    const int64_t size = query[2] < 0 ? kUnknownDim : query[2] / (query_heads + 2 * key_heads);
    for (Shape& part : parts) {
      part[2] = size < 0 ? kUnknownDim : size * (&part == parts ? query_heads : key_heads);
    }
  }
  Shape past_keys;
  if (past != nullptr) {
    past_keys = *past;
    if (node.HasAttribute(kJoinedPast)) past_keys.Remove(0);
  }
  MULLION_ASSIGN_OR_RETURN(
      AttentionShape shape,
      ShapeOfParts(node, parts[0], parts[1], parts[2], past != nullptr ? &past_keys : nullptr));
  shape.joined_present = node.HasAttribute(kJoinedPresent);
  if ((shape.joined_present || node.HasAttribute(kJoinedPast)) &&
      !Merge(shape.size, shape.value_size)) {
    return WrongNode(node, "keys and values lie in one tensor, but have sizes ", shape.size,
                     " and ", shape.value_size);
  }
  return shape;
}

Shape AttentionShape::OutputShape() const {
  if (!flat_output) return {batch, query_heads, queries, value_size};
  const bool known = query_heads >= 0 && value_size >= 0;
  return {batch, queries, known ? query_heads * value_size : kUnknownDim};
}

void RegisterAttention(OperatorRegistry& registry) {
  registry.Add({.name = "Attention",
                .since = 23,
                .inputs = {3, 8},
                .outputs = {1, 4},
                .added_inputs = 1,
                .types = types::kAllFloats,
                .infer = InferAttention});
}

}  // namespace mullion::operators
