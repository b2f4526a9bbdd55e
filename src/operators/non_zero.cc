// SPDX-License-Identifier: MIT
// NonZero and Compress: how much comes out hangs on what goes in.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferNonZero(InferenceContext& context) {
  const Shape* const input = context.InputShape(0);
  const int64_t rank = input != nullptr ? input->rank() : kUnknownDim;
  context.SetOutput(0, ElementType::kInt64, Shape{rank, kUnknownDim});
  return OkStatus();
}

Status InferCompress(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kBool));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 1));
  const ElementType type = context.InputType(0);
  if (!context.node().HasAttribute("axis")) {  // the input counts as flat
    context.SetOutput(0, type, Shape{kUnknownDim});
    return OkStatus();
  }
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), input->rank()));
  Shape shape = *input;
  shape[axis] = kUnknownDim;
  context.SetOutput(0, type, shape);
  return OkStatus();
}

}  // namespace

void RegisterNonZero(OperatorRegistry& registry) {
  registry.Add({.name = "NonZero", .since = 9, .inputs = {1, 1}, .infer = InferNonZero});
  registry.Add({.name = "Compress", .since = 9, .inputs = {2, 2}, .infer = InferCompress});
}

}  // namespace mullion::operators
