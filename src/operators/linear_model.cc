// SPDX-License-Identifier: MIT
// LinearClassifier and LinearRegressor.
#include "operators/linear_model.h"

#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Coefficients are [scores, features], intercepts absent or one per score.
Status CheckCoefficients(const InferenceContext& context, int64_t scores) {
  const auto coefficients =
      static_cast<int64_t>(context.node().FloatsAttribute("coefficients").size());
  const auto intercepts = static_cast<int64_t>(context.node().FloatsAttribute("intercepts").size());
  if (scores < 1 || coefficients % scores != 0) {
    return context.Error("attribute 'coefficients' has ", coefficients,
                         " elements, which is no multiple of ", scores);
  }
  if (intercepts != 0 && intercepts != scores) {
    return context.Error("attribute 'intercepts' has ", intercepts, " elements but must have ",
                         scores);
  }
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr || shape->rank() == 0 || shape->Back(0) < 0) return OkStatus();
  if (shape->Back(0) == LinearFeatures(context.node(), scores)) return OkStatus();
  return context.Error(context.DescribeInput(0), " but attribute 'coefficients' is for ",
                       coefficients / scores, " features");
}

Status InferLinearClassifier(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(ParsePostTransform(context.node()).status());
  const ClassLabels labels = ClassLabels::FromNode(context.node(), "classlabels_ints");
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  const auto intercepts = static_cast<int64_t>(context.node().FloatsAttribute("intercepts").size());
  // Two classes may share one score.
  const bool shared = labels.count() == 2 && intercepts == 1;
  MULLION_RETURN_IF_ERROR(CheckCoefficients(context, shared ? 1 : labels.count()));
  context.SetOutput(0, labels.type(), Shape{rows});
  context.SetOutput(1, ElementType::kFloat, Shape{rows, labels.count()});
  return OkStatus();
}

Status InferLinearRegressor(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(ParsePostTransform(context.node()).status());
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  const int64_t targets = context.node().IntAttribute("targets", 1);
  MULLION_RETURN_IF_ERROR(CheckCoefficients(context, targets));
  context.SetOutput(0, ElementType::kFloat, Shape{rows, targets});
  return OkStatus();
}

}  // namespace

void RegisterLinearModel(OperatorRegistry& registry) {
  registry.Add({.name = "LinearClassifier",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .outputs = {2, 2},
                .types = kMlNumbers,
                .infer = InferLinearClassifier});
  registry.Add({.name = "LinearRegressor",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferLinearRegressor});
}

}  // namespace mullion::operators
