// SPDX-License-Identifier: MIT
// MatMul.
#include "operators/epilogue.h"
#include "operators/matrix_shape.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferMatmul(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  for (int i = 1; i <= kResidualInput; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  const Shape* const left = context.InputShape(0);
  const Shape* const right = context.InputShape(1);
  if (left == nullptr || right == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const MatrixShape shape,
                           MatrixShape::FromShapes(context.node(), *left, *right));
  MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, shape.output));
  context.SetOutput(0, context.InputType(0), shape.output);
  return OkStatus();
}

}  // namespace

void RegisterMatmul(OperatorRegistry& registry) {
  // MatMul-9 allows integers, -13 bfloat16.
  constexpr ElementTypeSet kIntegers =
      SetOf(ElementType::kInt32, ElementType::kInt64, ElementType::kUint32, ElementType::kUint64);
  registry.Add({.name = "MatMul",
                .inputs = {2, 4},
                .added_inputs = 2,
                .types = types::kAllFloats | kIntegers,
                .infer = InferMatmul});
}

}  // namespace mullion::operators
