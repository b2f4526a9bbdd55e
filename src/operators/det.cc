// SPDX-License-Identifier: MIT
// Det: determinants of square matrices.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferDet(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  if (shape->Back(0) >= 0 && shape->Back(1) >= 0 && shape->Back(0) != shape->Back(1)) {
    return context.Error(context.DescribeInput(0), " but its last two dimensions must be equal");
  }
  Shape output = *shape;
  output.Remove(output.rank() - 1);
  output.Remove(output.rank() - 1);
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

}  // namespace

void RegisterDet(OperatorRegistry& registry) {
  registry.Add({.name = "Det",
                .since = 11,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferDet});
}

}  // namespace mullion::operators
