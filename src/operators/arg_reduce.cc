// SPDX-License-Identifier: MIT
// ArgMax and ArgMin.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferArgReduce(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, ElementType::kInt64);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), shape->rank()));
  if ((*shape)[axis] == 0) {
    return context.Error(context.DescribeInput(0) +
                         " has no elements along attribute 'axis'; an "
                         "empty axis has no largest or smallest one");
  }
  Shape output = *shape;
  if (context.node().IntAttribute("keepdims", 1) != 0) {
    output[axis] = 1;
  } else {
    output.Remove(axis);
  }
  context.SetOutput(0, ElementType::kInt64, output);
  return OkStatus();
}

}  // namespace

void RegisterArgReduce(OperatorRegistry& registry) {
  // Opset 11 allowed negative axes, 12 added select_last_index: the form is the same.
  registry.Add(
      {.name = "ArgMax", .inputs = {1, 1}, .types = types::kNumeric, .infer = InferArgReduce});
  registry.Add(
      {.name = "ArgMin", .inputs = {1, 1}, .types = types::kNumeric, .infer = InferArgReduce});
}

}  // namespace mullion::operators
