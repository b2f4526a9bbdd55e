// SPDX-License-Identifier: MIT
// LayerNormalization, RMSNormalization, and SimplifiedLayerNormalization, as which exporters wrote
// the latter before it was in the standard.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Scale and bias broadcast to the input, never the other way round.
Status RequireFits(InferenceContext& context, int i) {
  const Shape* const shape = context.InputShape(0);
  const Shape* const parameter = context.InputShape(i);
  if (shape == nullptr || parameter == nullptr) return OkStatus();
  bool fits = parameter->rank() <= shape->rank();
  for (int back = 0; fits && back < parameter->rank(); ++back) {
    const int64_t dim = parameter->Back(back);
    const int64_t wanted = shape->Back(back);
    fits = dim == 1 || dim < 0 || wanted < 0 || dim == wanted;
  }
  if (fits) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must broadcast to ",
                       context.DescribeInput(0),
                       ": counted from the last, dimensions must be equal or 1");
}

// Axes from `axis` on are normalized: they are 1 in the shape of the statistics, which are outputs
// 1 and up. `type` is that of output 0.
Status InferNormalization(InferenceContext& context, ElementType type) {
  for (int i = 1; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kAllFloats));
    MULLION_RETURN_IF_ERROR(RequireFits(context, i));
  }
  const Shape* const shape = context.InputShape(0);
  const auto stash = static_cast<ElementType>(context.node().IntAttribute("stash_type", 1));
  if (!Contains(types::kAllFloats, stash)) {
    return context.Error("attribute 'stash_type' must be a floating-point type, such as 1 (float)");
  }
  if (shape == nullptr) {
    context.SetOutput(0, type);
    for (int i = 1; i < context.output_count(); ++i) context.SetOutput(i, stash);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", -1), shape->rank()));
  context.SetOutput(0, type, *shape);
  Shape reduced = *shape;
  for (int i = axis; i < reduced.rank(); ++i) reduced[i] = 1;
  for (int i = 1; i < context.output_count(); ++i) context.SetOutput(i, stash, reduced);
  return OkStatus();
}

Status InferLayerNormalization(InferenceContext& context) {
  return InferNormalization(context, context.InputType(0));
}

// The result has the type of the scale, which may differ from the input's.
Status InferRootMeanSquare(InferenceContext& context) {
  return InferNormalization(context, context.InputType(1));
}

}  // namespace

void RegisterLayerNormalization(OperatorRegistry& registry) {
  // In the standard since opset 17; models of older opsets have it in the same form.
  registry.Add({.name = "LayerNormalization",
                .inputs = {2, 3},
                .outputs = {1, 3},
                .types = types::kAllFloats,
                .infer = InferLayerNormalization});
  registry.Add({.name = "RMSNormalization",
                .since = 23,
                .inputs = {2, 2},
                .types = types::kAllFloats,
                .infer = InferRootMeanSquare});
  registry.Add({.name = "SimplifiedLayerNormalization",
                .inputs = {2, 2},
                .outputs = {1, 2},
                .types = types::kAllFloats,
                .infer = InferRootMeanSquare});
}

}  // namespace mullion::operators
