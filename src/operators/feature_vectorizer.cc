// SPDX-License-Identifier: MIT
// FeatureVectorizer: the features of several inputs side by side.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferFeatureVectorizer(InferenceContext& context) {
  int64_t rows = kUnknownDim;
  int64_t width = 0;
  const auto widths = context.node().IntsAttribute("inputdimensions");
  for (int i = 0; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, kMlNumbers));
    const Shape* const shape = context.InputShape(i);
    if (shape != nullptr && shape->rank() != 1 && shape->rank() != 2) {
      return context.Error(context.DescribeInput(i),
                           " but must have shape [rows, features] or [features]");
    }
    const int64_t features = shape != nullptr ? shape->Back(0) : kUnknownDim;
    const auto at = static_cast<size_t>(i);
    if (at < widths.size() && features >= 0 && features != widths[at]) {
      return context.Error(context.DescribeInput(i), " but attribute 'inputdimensions' says ",
                           widths[at], " features");
    }
    if (shape != nullptr && RowCount(*shape) >= 0) {
      const int64_t count = RowCount(*shape);
      if (rows >= 0 && rows != count) {
        return context.Error(context.DescribeInput(i), " but the inputs before have ", rows,
                             " rows");
      }
      rows = count;
    }
    width = width < 0 || features < 0 ? kUnknownDim : width + features;
  }
  context.SetOutput(0, ElementType::kFloat, Shape{rows, width});
  return OkStatus();
}

}  // namespace

void RegisterFeatureVectorizer(OperatorRegistry& registry) {
  registry.Add({.name = "FeatureVectorizer",
                .domain = kMlDomain,
                .inputs = {1, kVariadic},
                .types = kMlNumbers,
                .infer = InferFeatureVectorizer});
}

}  // namespace mullion::operators
