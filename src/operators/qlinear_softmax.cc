// SPDX-License-Identifier: MIT
#include "operators/qlinear_softmax.h"

#include "base/str_cat.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearSoftmax(InferenceContext& context) {
  // X, X_scale, x_zero_point, y_scale, y_zero_point
  const ElementType type = context.InputType(0);
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 1, type));
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 3, type));
  const Shape* const shape = context.InputShape(0);
  const QlinearSoftmaxAxes axes(context.node());
  if (shape != nullptr && !axes.Of(shape->rank()).has_value()) {
    return context.Error("axis ", axes.axis, " is outside the rank of ", context.DescribeInput(0));
  }
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterQlinearSoftmax(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearSoftmax",
                .domain = "com.microsoft",
                .inputs = {4, 5},
                .optional = 0b100,  // the zero point of x
                .types = kQuantizedBytes,
                .infer = InferQlinearSoftmax});
}

}  // namespace mullion::operators
