// SPDX-License-Identifier: MIT
// QLinearMatMul: a matrix product between quantized numbers. QLinearMatMul-21 added 16-bit scales
// and 8-bit floats.
#include "base/str_cat.h"
#include "operators/matrix_shape.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"
#include "operators/rescaled_matmul.h"

namespace mullion::operators {

namespace {

// Those of QLinearMatMul-21, without the 8-bit type that has exponents only.
constexpr ElementTypeSet kProductTypes =
    kQuantizedBytes | (types::kFloat8 & ~SetOf(ElementType::kFloat8E8M0));

// The result is of the type of input `zero`, and of as many columns as `shifts` where there are
// some and the product has one.
Status InferQuantizedProduct(InferenceContext& context, int zero, const Shape* shifts = nullptr) {
  // a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point
  for (int i = 1; i < 8; ++i) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, kProductTypes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(3, 5));
  MULLION_RETURN_IF_ERROR(context.RequireType(7, kProductTypes));
  for (const int i : {1, 4, 6}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat | types::kHalfFloats));
  }
  const ElementType type = context.InputType(zero);
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
  Shape output = shape.output;
  if (shifts != nullptr && shifts->rank() > 0 && shifts->Back(0) != shape.columns) {
    if (shape.columns == 1) {
      output[output.rank() - 1] = shifts->Back(0);
    } else if (shape.columns < 0 && shifts->Back(0) != 1) {
      output[output.rank() - 1] = kUnknownDim;
    }
  }
  context.SetOutput(0, type, output);
  return OkStatus();
}

Status InferQlinearMatmul(InferenceContext& context) { return InferQuantizedProduct(context, 7); }

Status InferRescaledMatmul(InferenceContext& context) {
  using namespace rescaled_matmul;
  const bool rescales = context.HasInput(kFactors);
  for (const int i : {kShifts, kZero}) {
    if (rescales) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  }
  MULLION_RETURN_IF_ERROR(context.RequireType(kBias, SetOf(ElementType::kInt32)));
  for (const int i : {kFactors, kShifts}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat));
  }
  for (const int i : {kA, kB, kQZero, kZero}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, kQuantizedBytes));
  }
  for (const int i : {kAScale, kAZero, kQScale, kQZero, kZero}) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEach(context, i, 1, "matrix"));
  }
  if (const Shape* const right = context.InputShape(kB); right != nullptr) {
    if (right->rank() < 2) return context.Error(context.DescribeInput(kB), " but must be a matrix");
    for (const int i : {kBias, kFactors, kShifts}) {
      const Shape* const each = context.InputShape(i);
      if (each == nullptr || !each->IsConcrete() || right->Back(0) < 0) continue;
      const int64_t width = each->rank() == 0 ? 1 : each->Back(0);
      const bool stacked = i == kShifts && right->rank() > 2 && each->rank() == right->rank() &&
                           ((*right)[0] < 0 || (*right)[0] == (*each)[0]);
      const int64_t stacks = stacked ? (*each)[0] : 1;
      const bool fits = width == right->Back(0) || (i != kBias && width == 1) ||
                        (i == kShifts && right->Back(0) == 1);
      if (fits && each->ElementCount() == stacks * width) continue;
      return context.Error(context.DescribeInput(i), " but there are ", right->Back(0), " columns");
    }
  }
  if (!rescales) return InferQuantizedProduct(context, kQZero);
  return InferQuantizedProduct(context, kZero, context.InputShape(kShifts));
}

}  // namespace

void RegisterQlinearMatmul(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearMatMul",
                .since = 10,
                .inputs = {8, 8},
                .types = kProductTypes,
                .infer = InferQlinearMatmul});
  registry.Add({.name = kRescaledMatMul,
                .domain = kInternalDomain,
                .inputs = {9, 12},
                .types = kQuantizedBytes,
                .infer = InferRescaledMatmul});
}

}  // namespace mullion::operators
