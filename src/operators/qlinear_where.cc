// SPDX-License-Identifier: MIT
// QLinearWhere of com.microsoft: Where between quantized tensors.
#include <optional>

#include "base/str_cat.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input { kCondition, kX, kXScale, kXZero, kY, kYScale, kYZero, kZScale, kZZero };

Status InferQlinearWhere(InferenceContext& context) {
  for (const int i : {kX, kY}) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireType(i, kQuantizedBytes));
  }
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kX, kY));
  const ElementType type = context.InputType(kX);
  for (const int scale : {kXScale, kYScale, kZScale}) {
    MULLION_RETURN_IF_ERROR(RequireByteScale(context, scale, type));
  }
  Shape shape;
  for (const int i : {kCondition, kX, kY}) {
    const Shape* const input = context.InputShape(i);
    if (input == nullptr) {
      context.SetOutput(0, type);
      return OkStatus();
    }
    const std::optional<Shape> common = BroadcastShapes(shape, *input);
    if (!common.has_value()) {
      return context.Error(context.DescribeInput(kCondition), ", ", context.DescribeInput(kX), ", ",
                           context.DescribeInput(kY),
                           "; the shapes do not broadcast: counted from the last, "
                           "dimensions must be equal or 1");
    }
    shape = *common;
  }
  context.SetOutput(0, type, shape);
  return OkStatus();
}

}  // namespace

void RegisterQlinearWhere(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearWhere",
                .domain = "com.microsoft",
                .inputs = {8, 9},
                .types = types::kBool,
                .infer = InferQlinearWhere});
}

}  // namespace mullion::operators
