// SPDX-License-Identifier: MIT
#include "operators/linear_attention.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

using namespace linear_attention;

namespace {

constexpr const char* kNames[kInputs] = {"query", "key", "value", "past_state", "decay", "beta"};

// Takes over the sizes of one input: `dims` are where they belong.
Status Take(int input, const Shape& shape, std::initializer_list<int64_t*> dims) {
  int axis = 0;
  for (int64_t* const dim : dims) {
    const int64_t size = shape[axis++];
    if (*dim >= 0 && size >= 0 && size != *dim) {
      return InvalidModel("input '", kNames[input], "' has shape ", shape.ToString(),
                          " but its axis ", axis - 1, " must have ", *dim, " elements");
    }
    if (size >= 0) *dim = size;
  }
  return OkStatus();
}

// What each of `heads` heads has of an axis.
Result<int64_t> PerHead(int input, int64_t size, int64_t heads) {
  if (size < 0) return kUnknownDim;
  if (size % heads == 0) return size / heads;
  return InvalidModel("the last axis of input '", kNames[input], "' has ", size,
                      " elements, which ", heads, " heads cannot share");
}

Status ReadAttributes(const Node& node, LinearAttentionShape& s) {
  s.query_heads = node.IntAttribute("q_num_heads", 0);
  s.heads = node.IntAttribute("kv_num_heads", 0);
  if (s.heads < 1 || s.query_heads < 1 || s.query_heads % s.heads != 0) {
    return InvalidModel("the attributes 'q_num_heads' and 'kv_num_heads' are ", s.query_heads,
                        " and ", s.heads,
                        "; the first must be a multiple of the second, and both positive");
  }
  const std::string_view rule = node.StringAttribute("update_rule", "gated_delta");
  s.gated = rule == "gated" || rule == "gated_delta";
  s.delta = rule == "delta" || rule == "gated_delta";
  if (rule != "linear" && !s.gated && !s.delta) {
    return InvalidModel("the attribute 'update_rule' is '", rule,
                        "' but must be 'linear', 'gated', 'delta' or 'gated_delta'");
  }
  for (const auto& [input, wanted] : {std::pair(kDecay, s.gated), std::pair(kBeta, s.delta)}) {
    if (wanted && node.input(input) == nullptr) {
      return InvalidModel("the update rule '", rule, "' needs input '", kNames[input], "'");
    }
  }
  return OkStatus();
}

// How many of `choices` sizes a gate has for each token.
Status CheckGate(int input, int64_t size, int64_t one, int64_t all, int64_t& result) {
  result = size;
  if (size < 0 || size == one || all < 0 || size == all) return OkStatus();
  return InvalidModel("the last axis of input '", kNames[input], "' has ", size,
                      " elements but must have ", one, " or ", all);
}

}  // namespace

Result<LinearAttentionShape> LinearAttentionShape::FromShapes(
    const Node& node, const Shape* const (&shapes)[kInputs]) {
  LinearAttentionShape s;
  MULLION_RETURN_IF_ERROR(ReadAttributes(node, s));
  int64_t sizes[kInputs] = {kUnknownDim, kUnknownDim, kUnknownDim,
                            kUnknownDim, kUnknownDim, kUnknownDim};
  for (int i = 0; i < kInputs; ++i) {
    if (shapes[i] == nullptr) continue;
    const int rank = i == kPastState ? 4 : 3;
    if (shapes[i]->rank() != rank) {
      return InvalidModel("input '", kNames[i], "' has shape ", shapes[i]->ToString(),
                          " but must have ", rank, " axes");
    }
    if (i == kPastState) continue;
    MULLION_RETURN_IF_ERROR(Take(i, *shapes[i], {&s.batch, &s.tokens, &sizes[i]}));
  }
  MULLION_ASSIGN_OR_RETURN(s.key_size, PerHead(kKey, sizes[kKey], s.heads));
  MULLION_ASSIGN_OR_RETURN(s.value_size, PerHead(kValue, sizes[kValue], s.heads));
  MULLION_ASSIGN_OR_RETURN(const int64_t query_size, PerHead(kQuery, sizes[kQuery], s.query_heads));
  if (s.key_size < 0) s.key_size = query_size;
  if (query_size >= 0 && query_size != s.key_size) {
    return InvalidModel("a head of the query has ", query_size, " elements, one of the key ",
                        s.key_size, "; they must be equal");
  }
  if (const Shape* const past = shapes[kPastState]) {
    MULLION_RETURN_IF_ERROR(
        Take(kPastState, *past, {&s.batch, &s.heads, &s.key_size, &s.value_size}));
  }
  if (s.gated) {
    const int64_t all = s.key_size < 0 ? kUnknownDim : s.heads * s.key_size;
    MULLION_RETURN_IF_ERROR(CheckGate(kDecay, sizes[kDecay], s.heads, all, s.decay_size));
    if (s.decay_size > 0) s.decay_size /= s.heads;
  }
  if (s.delta) {
    MULLION_RETURN_IF_ERROR(CheckGate(kBeta, sizes[kBeta], 1, s.heads, s.beta_heads));
  }
  return s;
}

Shape LinearAttentionShape::OutputShape() const {
  return {batch, tokens, value_size < 0 ? kUnknownDim : query_heads * value_size};
}

namespace {

Status InferLinearAttention(InferenceContext& context) {
  const Shape* shapes[kInputs] = {};
  for (int i = 0; i < kInputs; ++i) {
    shapes[i] = context.InputShape(i);
    if (context.HasInput(i)) {
      MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kAllFloats));
    }
  }
  const auto shape = LinearAttentionShape::FromShapes(context.node(), shapes);
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(kOut, context.InputType(kQuery), shape->OutputShape());
  context.SetOutput(kPresentState,
                    context.InputType(context.HasInput(kPastState) ? kPastState : kQuery),
                    shape->StateShape());
  return OkStatus();
}

}  // namespace

void RegisterLinearAttention(OperatorRegistry& registry) {
  registry.Add({.name = "LinearAttention",
                .since = 27,
                .inputs = {3, kInputs},
                .outputs = {1, 2},
                .types = types::kAllFloats,
                .infer = InferLinearAttention});
}

}  // namespace mullion::operators
