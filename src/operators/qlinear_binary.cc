// SPDX-License-Identifier: MIT
// QLinearAdd and QLinearMul of com.microsoft: Add and Mul between quantized tensors.
#include "base/str_cat.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kCScale, kCZero };

Status InferQlinearBinary(InferenceContext& context) {
  const ElementType type = context.InputType(kA);
  MULLION_RETURN_IF_ERROR(context.RequireInput(kB));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kA, kB));
  for (const int scale : {kAScale, kBScale, kCScale}) {
    MULLION_RETURN_IF_ERROR(RequireByteScale(context, scale, type));
  }
  const Shape* const a = context.InputShape(kA);
  const Shape* const b = context.InputShape(kB);
  if (a == nullptr || b == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const std::optional<Shape> shape = BroadcastShapes(*a, *b);
  if (!shape.has_value()) {
    return context.Error(context.DescribeInput(kA), ", ", context.DescribeInput(kB),
                         "; the shapes do not broadcast: counted from the last, dimensions "
                         "must be equal or 1");
  }
  context.SetOutput(0, type, *shape);
  return OkStatus();
}

}  // namespace

void RegisterQlinearBinary(OperatorRegistry& registry) {
  for (const std::string_view name : {"QLinearAdd", "QLinearMul"}) {
    registry.Add({.name = name,
                  .domain = "com.microsoft",
                  .inputs = {7, 8},
                  .optional = 0b100100,  // zero points
                  .types = kQuantizedBytes,
                  .infer = InferQlinearBinary});
  }
}

}  // namespace mullion::operators
