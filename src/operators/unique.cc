// SPDX-License-Identifier: MIT
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Outputs: the unique elements, or slices along `axis`; the first place of each; for each element
// which unique one it is; and how often each occurs.
Status InferUnique(InferenceContext& context) {
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  const Shape list{kUnknownDim};
  Shape inverse = list;
  if (!context.node().HasAttribute("axis")) {
    context.SetOutput(0, type, list);
    if (input != nullptr && input->IsConcrete()) inverse[0] = input->ElementCount();
  } else if (input == nullptr) {
    context.SetOutput(0, type);
  } else {
    MULLION_ASSIGN_OR_RETURN(const int axis,
                             context.Axis(context.node().IntAttribute("axis", 0), input->rank()));
    Shape shape = *input;
    shape[axis] = kUnknownDim;
    inverse[0] = (*input)[axis];
    context.SetOutput(0, type, shape);
  }
  context.SetOutput(1, ElementType::kInt64, list);
  context.SetOutput(2, ElementType::kInt64, inverse);
  context.SetOutput(3, ElementType::kInt64, list);
  return OkStatus();
}

}  // namespace

void RegisterUnique(OperatorRegistry& registry) {
  registry.Add(
      {.name = "Unique", .since = 11, .inputs = {1, 1}, .outputs = {1, 4}, .infer = InferUnique});
}

}  // namespace mullion::operators
