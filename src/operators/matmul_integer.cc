// SPDX-License-Identifier: MIT
// MatMulInteger: int32 sums of 8-bit matrices.
#include "base/str_cat.h"
#include "operators/matrix_shape.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferMatmulInteger(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, 3));
  const Shape* const left = context.InputShape(0);
  const Shape* const right = context.InputShape(1);
  if (left == nullptr || right == nullptr) {
    context.SetOutput(0, ElementType::kInt32);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const MatrixShape shape,
                           MatrixShape::FromShapes(context.node(), *left, *right));
  const auto stacked = [](const Shape& batch, int64_t count) {
    return batch.IsConcrete() && count >= 0 ? batch.ElementCount() * count : kUnknownDim;
  };
  // Of stacked matrices each may have zero points of its own.
  const Shape* const zeros = context.InputShape(2);
  if (zeros != nullptr && zeros->rank() <= 1) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEach(context, 2, shape.rows, "row"));
  } else {
    MULLION_RETURN_IF_ERROR(
        RequireOneOrEach(context, 2, stacked(shape.left_batch, shape.rows), "row"));
  }
  const Shape* const right_zeros = context.InputShape(3);
  if (right_zeros != nullptr && right_zeros->rank() <= 1) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEach(context, 3, shape.columns, "column"));
  } else {
    MULLION_RETURN_IF_ERROR(
        RequireOneOrEach(context, 3, stacked(shape.right_batch, shape.columns), "column"));
  }
  context.SetOutput(0, ElementType::kInt32, shape.output);
  return OkStatus();
}

}  // namespace

void RegisterMatmulInteger(OperatorRegistry& registry) {
  registry.Add({.name = "MatMulInteger",
                .since = 10,
                .inputs = {2, 4},
                .types = kQuantizedBytes,
                .infer = InferMatmulInteger});
}

}  // namespace mullion::operators
