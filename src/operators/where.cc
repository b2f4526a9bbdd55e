// SPDX-License-Identifier: MIT
// Where: an element of the second input where the first is true, else one of the third.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferWhere(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, 2));
  Shape shape;
  for (int i = 0; i < 3; ++i) {
    const Shape* const input = context.InputShape(i);
    if (input == nullptr) {
      context.SetOutput(0, context.InputType(1));
      return OkStatus();
    }
    const std::optional<Shape> common = BroadcastShapes(shape, *input);
    if (!common.has_value()) {
      return context.Error(context.DescribeInput(0), ", ", context.DescribeInput(1), ", ",
                           context.DescribeInput(2), "; the shapes do not broadcast");
    }
    shape = *common;
  }
  context.SetOutput(0, context.InputType(1), shape);
  return OkStatus();
}

}  // namespace

void RegisterWhere(OperatorRegistry& registry) {
  registry.Add(
      {.name = "Where", .since = 9, .inputs = {3, 3}, .types = types::kBool, .infer = InferWhere});
}

}  // namespace mullion::operators
