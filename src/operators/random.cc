// SPDX-License-Identifier: MIT
// RandomNormal, RandomUniform, their Like forms, Multinomial, Bernoulli.
#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Attribute 'dtype', `fallback` when it is absent; it must be one of `allowed`.
Result<ElementType> OutputType(const InferenceContext& context, ElementType fallback,
                               ElementTypeSet allowed) {
  const int64_t type = context.node().IntAttribute("dtype", static_cast<int64_t>(fallback));
  if (type > 0 && type < kElementTypeCount && Contains(allowed, static_cast<ElementType>(type))) {
    return static_cast<ElementType>(type);
  }
  return context.Error("attribute 'dtype' is ", type, ", a type it cannot make");
}

Status InferRandom(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type,
                           OutputType(context, ElementType::kFloat, types::kAllFloats));
  const std::span<const int64_t> dims = context.node().IntsAttribute("shape");
  if (!context.node().HasAttribute("shape") || dims.size() > static_cast<size_t>(kMaxRank) ||
      !Shape(dims).IsConcrete()) {
    return context.Error("attribute 'shape' must hold up to ", kMaxRank,
                         " dimensions that are 0 or more");
  }
  context.SetOutput(0, type, Shape(dims));
  return OkStatus();
}

// The output is like the input in shape, and in type unless another is named.
Status InferLike(InferenceContext& context, ElementTypeSet allowed) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type,
                           OutputType(context, context.InputType(0), allowed));
  if (context.InputShape(0) != nullptr) {
    context.SetOutput(0, type, *context.InputShape(0));
  } else {
    context.SetOutput(0, type);
  }
  return OkStatus();
}

Status InferRandomLike(InferenceContext& context) { return InferLike(context, types::kAllFloats); }

Status InferBernoulli(InferenceContext& context) {
  return InferLike(context, types::kNumeric | types::kBool);
}

Status InferMultinomial(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type,
                           OutputType(context, ElementType::kInt32, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 2));
  const int64_t samples = context.node().IntAttribute("sample_size", 1);
  if (samples < 0) {
    return context.Error("attribute 'sample_size' is ", samples, " but must be 0 or more");
  }
  const Shape* const input = context.InputShape(0);
  context.SetOutput(0, type, Shape{input != nullptr ? (*input)[0] : kUnknownDim, samples});
  return OkStatus();
}

}  // namespace

void RegisterRandom(OperatorRegistry& registry) {
  for (const char* const name : {"RandomNormal", "RandomUniform"}) {
    registry.Add({.name = name, .inputs = {0, 0}, .infer = InferRandom, .random = true});
  }
  for (const char* const name : {"RandomNormalLike", "RandomUniformLike"}) {
    registry.Add({.name = name,
                  .inputs = {1, 1},
                  .infer = InferRandomLike,
                  .shape_only = true,
                  .random = true});
  }
  registry.Add({.name = "Bernoulli",
                .since = 15,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferBernoulli,
                .random = true});
  registry.Add({.name = "Multinomial",
                .since = 7,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferMultinomial,
                .random = true});
}

}  // namespace mullion::operators
