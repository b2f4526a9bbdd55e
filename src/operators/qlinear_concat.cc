// SPDX-License-Identifier: MIT
// QLinearConcat of com.microsoft: Concat of quantized tensors that have different scales.
#include "base/str_cat.h"
#include "operators/concat.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearConcat(InferenceContext& context) {
  // Y_scale, Y_zero_point, then for each tensor itself, its scale and its zero point.
  if (!context.node().HasAttribute("axis")) {
    return context.Error("attribute 'axis' is required; export the model again");
  }
  if (context.input_count() % 3 != 2) {
    return context.Error("it has ", context.input_count(),
                         " inputs but must have 2 and then 3 for each tensor: the tensor, "
                         "its scale, its zero point");
  }
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kQuantizedBytes));
  const ElementType type = context.InputType(1);
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 0, type));
  const Shape* first = nullptr;
  for (int i = 2; i < context.input_count(); i += 3) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireSameType(1, i));
    MULLION_RETURN_IF_ERROR(RequireByteScale(context, i + 1, type));
    if (first == nullptr) first = context.InputShape(i);
  }
  if (first == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), first->rank()));
  Shape joined = *first;
  bool known = true;
  for (int i = 2; i < context.input_count(); i += 3) {
    const Shape* const shape = context.InputShape(i);
    known = known && shape != nullptr;
    if (shape == nullptr || shape == first) continue;
    const Status status = JoinShapes(joined, *shape, axis);
    if (!status.ok()) return context.Error("input ", i, ": ", status.message());
  }
  if (!known) joined[axis] = kUnknownDim;
  context.SetOutput(0, type, joined);
  return OkStatus();
}

}  // namespace

void RegisterQlinearConcat(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearConcat",
                .domain = "com.microsoft",
                .inputs = {5, kVariadic},
                .types = types::kFloat,
                .infer = InferQlinearConcat});
}

}  // namespace mullion::operators
