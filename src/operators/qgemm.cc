// SPDX-License-Identifier: MIT
// QGemm of com.microsoft: alpha * A * B + C of quantized matrices, with a quantized or a float
// result. On import transposed operands get a Transpose, and the node moves to the internal domain
// where it has none.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kC, kYScale, kYZero };

Status UpgradeQgemm(Node& node) {
  Expansion expansion(node);
  for (const auto& [input, attribute] : {std::pair{kA, "transA"}, std::pair{kB, "transB"}}) {
    Value* const value = node.input(input);
    if (node.IntAttribute(attribute, 0) != 0 && value != nullptr) {
      node.SetInput(input, &expansion.Add("Transpose", {value}));
    }
    node.RemoveAttribute(attribute);
  }
  node.SetOperator(kInternalDomain, "QGemm", 1);
  return OkStatus();
}

Status RequireColumns(const InferenceContext& context, int i, int64_t columns) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || columns < 0) return OkStatus();
  if (shape->ElementCount() == 1) return OkStatus();
  if (shape->rank() == 1 && (*shape)[0] == columns) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have 1 element or ", columns,
                       ", one for each column of B");
}

Status CheckQgemmTypes(const InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(RequireByteScale(context, kAScale, context.InputType(kA)));
  for (const int i : {kB, kBScale}) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  MULLION_RETURN_IF_ERROR(context.RequireType(kB, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireType(kBScale, types::kFloat));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kB, kBZero));
  MULLION_RETURN_IF_ERROR(context.RequireType(kC, SetOf(ElementType::kInt32)));
  if (!context.HasInput(kYZero) && !context.HasInput(kYScale)) return OkStatus();
  MULLION_RETURN_IF_ERROR(context.RequireType(kYZero, kQuantizedBytes));
  return RequireByteScale(
      context, kYScale, context.HasInput(kYZero) ? context.InputType(kYZero) : ElementType::kUint8);
}

Status InferQgemm(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(CheckQgemmTypes(context));
  MULLION_RETURN_IF_ERROR(context.RequireRank(kA, 2));
  MULLION_RETURN_IF_ERROR(context.RequireRank(kB, 2));
  const Shape* const a = context.InputShape(kA);
  const Shape* const b = context.InputShape(kB);
  Shape output{kUnknownDim, kUnknownDim};
  if (a != nullptr) output[0] = (*a)[0];
  if (b != nullptr) output[1] = (*b)[1];
  if (a != nullptr && b != nullptr && (*a)[1] >= 0 && (*b)[0] >= 0 && (*a)[1] != (*b)[0]) {
    return context.Error(context.DescribeInput(kA), " and ", context.DescribeInput(kB),
                         ": after transA and transB the rows of A must be as long as the "
                         "columns of B");
  }
  for (const int i : {kBScale, kBZero}) {
    MULLION_RETURN_IF_ERROR(RequireColumns(context, i, output[1]));
  }
  const Shape* const c = context.InputShape(kC);
  if (c != nullptr && c->IsConcrete() && output.IsConcrete()) {
    const std::optional<Shape> common = BroadcastShapes(output, *c);
    if (!common.has_value() || !(*common == output)) {
      return context.Error(context.DescribeInput(kC), " but must broadcast to the output's shape ",
                           output.ToString());
    }
  }
  // Without a zero point the result is not quantized.
  const bool is_float = !context.HasInput(kYZero);
  context.SetOutput(0, is_float ? ElementType::kFloat : context.InputType(kYZero), output);
  return OkStatus();
}

}  // namespace

void RegisterQgemm(OperatorRegistry& registry) {
  registry.Add({.name = "QGemm",
                .domain = "com.microsoft",
                .inputs = {6, 9},
                .types = kQuantizedBytes,
                .upgrade = UpgradeQgemm});
  registry.Add({.name = "QGemm",
                .domain = kInternalDomain,
                .inputs = {6, 9},
                .types = kQuantizedBytes,
                .infer = InferQgemm});
}

}  // namespace mullion::operators
