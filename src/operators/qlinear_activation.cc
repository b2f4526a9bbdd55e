// SPDX-License-Identifier: MIT
// QLinearSigmoid and QLinearLeakyRelu of com.microsoft: functions of quantized tensors.
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearActivation(InferenceContext& context) {
  // X, X_scale, X_zero_point, Y_scale, Y_zero_point
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 1, context.InputType(0)));
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 3, context.InputType(0)));
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterQlinearActivation(OperatorRegistry& registry) {
  for (const std::string_view name : {"QLinearSigmoid", "QLinearLeakyRelu"}) {
    registry.Add({.name = name,
                  .domain = "com.microsoft",
                  .inputs = {4, 5},
                  .optional = 0b100,  // the zero point of x
                  .types = kQuantizedBytes,
                  .infer = InferQlinearActivation});
  }
}

}  // namespace mullion::operators
