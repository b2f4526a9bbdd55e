// SPDX-License-Identifier: MIT
// ArrayFeatureExtractor: some columns of a table, by index.
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferArrayFeatureExtractor(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  const Shape* const shape = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  // A vector of features gives a matrix of one row.
  Shape output = shape->rank() == 1 ? Shape{1, 0} : *shape;
  output[output.rank() - 1] =
      indices != nullptr && indices->IsConcrete() ? indices->ElementCount() : kUnknownDim;
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

}  // namespace

void RegisterArrayFeatureExtractor(OperatorRegistry& registry) {
  registry.Add({.name = "ArrayFeatureExtractor",
                .domain = kMlDomain,
                .inputs = {2, 2},
                .types = kMlNumbers | types::kString,
                .infer = InferArrayFeatureExtractor});
}

}  // namespace mullion::operators
