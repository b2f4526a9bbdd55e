// SPDX-License-Identifier: MIT
// QLinearAveragePool of com.microsoft: AveragePool of quantized tensors, whose own attribute
// `channels_last` says what it says elsewhere.
#include "operators/pool.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearAveragePool(InferenceContext& context) {
  // X, x_scale, x_zero_point, y_scale, y_zero_point
  const ElementType type = context.InputType(0);
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 1, type));
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 3, type));
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters,
                           PoolParameters::FromNode(context.node()));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, parameters.spatial_rank + 2));
  context.SetOutput(0, type, parameters.OutputShape(*shape));
  return OkStatus();
}

}  // namespace

void RegisterQlinearAveragePool(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearAveragePool",
                .domain = "com.microsoft",
                .inputs = {4, 5},
                .optional = 0b100,  // the zero point of x
                .types = kQuantizedBytes,
                .infer = InferQlinearAveragePool});
}

}  // namespace mullion::operators
