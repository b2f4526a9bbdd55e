// SPDX-License-Identifier: MIT
// QLinearGlobalAveragePool of com.microsoft, whose own attribute `channels_last` says what it says
// elsewhere.
#include "operators/channel_layout.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearGlobalAveragePool(InferenceContext& context) {
  // X, x_scale, x_zero_point, y_scale, y_zero_point
  const ElementType type = context.InputType(0);
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 1, type));
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 3, type));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  context.SetOutput(0, type, ChannelLayout(context.node()).Pooled(*shape));
  return OkStatus();
}

}  // namespace

void RegisterQlinearGlobalAveragePool(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearGlobalAveragePool",
                .domain = "com.microsoft",
                .inputs = {4, 5},
                .optional = 0b100,  // the zero point of x
                .types = kQuantizedBytes,
                .infer = InferQlinearGlobalAveragePool});
}

}  // namespace mullion::operators
