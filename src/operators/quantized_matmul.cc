// SPDX-License-Identifier: MIT
// MatMulIntegerToFloat and DynamicQuantizeMatMul of com.microsoft: products of 8-bit matrices with
// float results. The second quantizes its left operand itself, as DynamicQuantizeLinear does. On
// import the first moves to the internal domain.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/matrix_shape.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// That of scales, bias and result.
constexpr ElementTypeSet kScaleTypes = types::kFloat | types::kHalfFloats;

// Which inputs are what, besides A (0) and B (1).
struct Ports {
  int b_scale;
  int b_zero;
  int bias;
};

// One for all, one for each column, or that for each of B's matrices.
Status RequireColumns(const InferenceContext& context, int i, const MatrixShape& matrices) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || matrices.columns < 0) return OkStatus();
  const int64_t count = shape->ElementCount();
  if (count == 1 || (shape->rank() <= 1 && count == matrices.columns)) return OkStatus();
  if (shape->rank() > 1) {
    if (!matrices.right_batch.IsConcrete()) return OkStatus();
    if (count == matrices.right_batch.ElementCount() * matrices.columns) return OkStatus();
  }
  return context.Error(context.DescribeInput(i), " but must have 1 element or ", matrices.columns,
                       ", one for each column of input 1");
}

Status InferFloatProduct(InferenceContext& context, const Ports& ports) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireInput(ports.b_scale));
  MULLION_RETURN_IF_ERROR(context.RequireType(ports.b_scale, kScaleTypes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, ports.b_zero));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(ports.b_scale, ports.bias));
  const ElementType type = context.InputType(ports.b_scale);
  const Shape* const left = context.InputShape(0);
  const Shape* const right = context.InputShape(1);
  if (left == nullptr || right == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const MatrixShape shape,
                           MatrixShape::FromShapes(context.node(), *left, *right));
  MULLION_RETURN_IF_ERROR(RequireColumns(context, ports.b_scale, shape));
  MULLION_RETURN_IF_ERROR(RequireColumns(context, ports.b_zero, shape));
  const Shape* const bias = context.InputShape(ports.bias);
  if (bias != nullptr && bias->IsConcrete() && shape.columns >= 0 &&
      bias->ElementCount() != shape.columns) {
    return context.Error(context.DescribeInput(ports.bias), " but must have ", shape.columns,
                         " elements, one for each column of input 1");
  }
  context.SetOutput(0, type, shape.output);
  return OkStatus();
}

bool HasMany(const Value* value) {
  return value != nullptr && value->type.has_shape && value->type.shape.IsConcrete() &&
         value->type.shape.ElementCount() != 1;
}

// A with a scale or a zero point for each column (of its depth, so that sums of whole numbers are
// no use) or for each row is multiplied in float.
Status UpgradeMatmulIntegerToFloat(Node& node) {
  if (!HasMany(node.input(2)) && !HasMany(node.input(4))) {
    node.SetOperator(kInternalDomain, "MatMulIntegerToFloat", 1);
    return OkStatus();
  }
  Expansion expansion(node);
  const ElementType type = node.input(2)->type.element_type;
  const auto factor = [&](int i) {
    Value& number = expansion.Shifted(*node.input(i), node.input(i + 4), type);
    return &expansion.Add("Mul", {&number, node.input(i + 2)});
  };
  Value* const a = factor(0);
  Value* const b = factor(1);
  if (Value* const bias = node.input(6); bias != nullptr) {
    expansion.Become("Add", {&expansion.Add("MatMul", {a, b}), bias});
  } else {
    expansion.Become("MatMul", {a, b});
  }
  return OkStatus();
}

Status InferMatmulIntegerToFloat(InferenceContext& context) {
  // A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias
  MULLION_RETURN_IF_ERROR(context.RequireInput(2));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(2, 3));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 4));
  for (const int i : {2, 4}) {
    const Shape* const shape = context.InputShape(i);
    if (shape == nullptr || !shape->IsConcrete() || shape->ElementCount() == 1) continue;
    return context.Error(context.DescribeInput(i), " but must have one element");
  }
  return InferFloatProduct(context, {.b_scale = 3, .b_zero = 5, .bias = 6});
}

Status InferDynamicQuantizeMatmul(InferenceContext& context) {
  // A, B, b_scale, b_zero_point, bias
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  return InferFloatProduct(context, {.b_scale = 2, .b_zero = 3, .bias = 4});
}

}  // namespace

void RegisterQuantizedMatmul(OperatorRegistry& registry) {
  registry.Add({.name = "MatMulIntegerToFloat",
                .domain = "com.microsoft",
                .inputs = {4, 7},
                .types = kQuantizedBytes,
                .upgrade = UpgradeMatmulIntegerToFloat});
  registry.Add({.name = "MatMulIntegerToFloat",
                .domain = kInternalDomain,
                .inputs = {4, 7},
                .types = kQuantizedBytes,
                .infer = InferMatmulIntegerToFloat});
  registry.Add({.name = "DynamicQuantizeMatMul",
                .domain = "com.microsoft",
                .inputs = {3, 5},
                .types = types::kFloat,
                .infer = InferDynamicQuantizeMatmul});
}

}  // namespace mullion::operators
