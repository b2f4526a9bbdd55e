// SPDX-License-Identifier: MIT
// DynamicQuantizeLinear: to uint8 by the range that the input has.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferDynamicQuantizeLinear(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, ElementType::kUint8);
  } else {
    context.SetOutput(0, ElementType::kUint8, *shape);
  }
  context.SetOutput(1, ElementType::kFloat, Shape{});
  context.SetOutput(2, ElementType::kUint8, Shape{});
  return OkStatus();
}

}  // namespace

void RegisterDynamicQuantizeLinear(OperatorRegistry& registry) {
  registry.Add({.name = "DynamicQuantizeLinear",
                .since = 11,
                .inputs = {1, 1},
                .outputs = {3, 3},
                .types = types::kFloat,
                .infer = InferDynamicQuantizeLinear});
}

}  // namespace mullion::operators
