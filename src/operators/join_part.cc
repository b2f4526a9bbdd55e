// SPDX-License-Identifier: MIT
// JoinPart.
#include "operators/registry.h"
#include "operators/whole_output.h"

namespace mullion::operators {

namespace {

Status InferJoinPart(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(kJoinPartWhole));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, kJoinPartWhole));
  const Shape* const part = context.InputShape(0);
  if (part == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  Shape shape = *part;
  MULLION_RETURN_IF_ERROR(WidenToWhole(context, kJoinPartWhole, shape));
  context.SetOutput(0, context.InputType(0), shape);
  return OkStatus();
}

}  // namespace

void RegisterJoinPart(OperatorRegistry& registry) {
  registry.Add({.name = kJoinPart,
                .domain = kInternalDomain,
                .inputs = {2, 2},
                .types = types::kFloat,
                .infer = InferJoinPart});
}

}  // namespace mullion::operators
