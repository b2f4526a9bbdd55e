// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

bool Differ(int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; }

// boxes [batch, count, 4], scores [batch, classes, count], then up to three scalars.
Status InferNonMaxSuppression(InferenceContext& context) {
  const ElementTypeSet floats = types::kFloat;
  MULLION_RETURN_IF_ERROR(context.RequireType(1, floats));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, floats));
  MULLION_RETURN_IF_ERROR(context.RequireType(4, floats));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 3));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 3));
  const Shape* const boxes = context.InputShape(0);
  const Shape* const scores = context.InputShape(1);
  if (boxes != nullptr && Differ((*boxes)[2], 4)) {
    return context.Error(context.DescribeInput(0), " but must have shape [batch,count,4]");
  }
  if (boxes != nullptr && scores != nullptr &&
      (Differ((*boxes)[0], (*scores)[0]) || Differ((*boxes)[1], (*scores)[2]))) {
    return context.Error(context.DescribeInput(0), " and ", context.DescribeInput(1),
                         "; they must be [batch,count,4] and [batch,classes,count]");
  }
  for (int i = 2; i < 5; ++i) {
    const Shape* const shape = context.InputShape(i);
    if (shape != nullptr && shape->IsConcrete() && shape->ElementCount() != 1) {
      return context.Error(context.DescribeInput(i), " but must have one element");
    }
  }
  context.SetOutput(0, ElementType::kInt64, Shape{kUnknownDim, 3});
  return OkStatus();
}

}  // namespace

void RegisterNonMaxSuppression(OperatorRegistry& registry) {
  registry.Add({.name = "NonMaxSuppression",
                .since = 10,
                .inputs = {2, 5},
                .types = types::kFloat,
                .infer = InferNonMaxSuppression});
}

}  // namespace mullion::operators
