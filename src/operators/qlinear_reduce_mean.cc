// SPDX-License-Identifier: MIT
// QLinearReduceMean of com.microsoft. Its axes are an attribute, as in ReduceMean until opset 17.
#include "operators/quantized_input.h"
#include "operators/reduce.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQlinearReduceMean(InferenceContext& context) {
  // data, data_scale, data_zero_point, reduced_scale, reduced_zero_point
  const ElementType type = context.InputType(0);
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 1, type));
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, 3, type));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const Result<uint32_t> reduced = ReducedAxesOf(context.node(), shape->rank());
  if (!reduced.ok()) return context.Error(reduced.status().message());
  context.SetOutput(0, type, ReduceParameters(context.node()).OutputShape(*shape, *reduced));
  return OkStatus();
}

}  // namespace

void RegisterQlinearReduceMean(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearReduceMean",
                .domain = "com.microsoft",
                .inputs = {4, 5},
                .optional = 0b100,  // the zero point of x
                .types = kQuantizedBytes,
                .infer = InferQlinearReduceMean});
}

}  // namespace mullion::operators
