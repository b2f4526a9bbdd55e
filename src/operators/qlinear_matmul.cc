// SPDX-License-Identifier: MIT
// QLinearMatMul: a matrix product between quantized numbers. QLinearMatMul-21 added 16-bit scales
// and 8-bit floats.
#include "base/str_cat.h"
#include "operators/matrix_shape.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Those of QLinearMatMul-21, without the 8-bit type that has exponents only.
constexpr ElementTypeSet kProductTypes =
    kQuantizedBytes | (types::kFloat8 & ~SetOf(ElementType::kFloat8E8M0));

Status InferQlinearMatmul(InferenceContext& context) {
  // a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point
  for (int i = 1; i < 8; ++i) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, kProductTypes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(3, 5));
  MULLION_RETURN_IF_ERROR(context.RequireType(7, kProductTypes));
  for (const int i : {1, 4, 6}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat | types::kHalfFloats));
  }
  const ElementType type = context.InputType(7);
  const Shape* const left = context.InputShape(0);
  const Shape* const right = context.InputShape(3);
  if (left == nullptr || right == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const MatrixShape shape,
                           MatrixShape::FromShapes(context.node(), *left, *right));
  for (const int i : {1, 2, 6, 7}) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEach(context, i, shape.rows, "row"));
  }
  for (const int i : {4, 5}) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEach(context, i, shape.columns, "column"));
  }
  context.SetOutput(0, type, shape.output);
  return OkStatus();
}

}  // namespace

void RegisterQlinearMatmul(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearMatMul",
                .since = 10,
                .inputs = {8, 8},
                .types = kProductTypes,
                .infer = InferQlinearMatmul});
}

}  // namespace mullion::operators
