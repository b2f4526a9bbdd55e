// SPDX-License-Identifier: MIT
#include "operators/losses.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status CheckShapes(InferenceContext& context, const Shape& scores) {
  const Shape wanted = LossShape(scores);
  const Shape* const targets = context.InputShape(1);
  if (targets != nullptr) {
    bool fits = targets->rank() == wanted.rank();
    for (int i = 0; fits && i < wanted.rank(); ++i) {
      fits = wanted[i] < 0 || (*targets)[i] < 0 || wanted[i] == (*targets)[i];
    }
    if (!fits) {
      return context.Error(context.DescribeInput(1), " but must be ", wanted.ToString(),
                           ": input 0 without its axis 1");
    }
  }
  MULLION_RETURN_IF_ERROR(context.RequireRank(2, 1));
  const Shape* const weights = context.InputShape(2);
  if (weights != nullptr && scores[1] >= 0 && (*weights)[0] >= 0 && (*weights)[0] != scores[1]) {
    return context.Error(context.DescribeInput(2), " but must have one element for each of ",
                         scores[1], " classes");
  }
  return OkStatus();
}

Status InferLoss(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(2, 0));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  MULLION_ASSIGN_OR_RETURN(const LossParameters parameters,
                           LossParameters::FromNode(context.node()));
  const ElementType type = context.InputType(0);
  const Shape* const scores = context.InputShape(0);
  if (scores != nullptr) MULLION_RETURN_IF_ERROR(CheckShapes(context, *scores));
  if (parameters.reduction != LossParameters::Reduction::kNone) {
    context.SetOutput(0, type, Shape{});
  } else if (scores != nullptr) {
    context.SetOutput(0, type, LossShape(*scores));
  } else {
    context.SetOutput(0, type);
  }
  if (scores != nullptr) {
    context.SetOutput(1, type, *scores);
  } else {
    context.SetOutput(1, type);
  }
  return OkStatus();
}

}  // namespace

Result<LossParameters> LossParameters::FromNode(const Node& node) {
  LossParameters parameters;
  const std::string_view reduction = node.StringAttribute("reduction", "mean");
  if (reduction == "none") {
    parameters.reduction = Reduction::kNone;
  } else if (reduction == "sum") {
    parameters.reduction = Reduction::kSum;
  } else if (reduction != "mean") {
    return node.Error(StatusCode::kInvalidModel, "attribute 'reduction' is '", reduction,
                      "' but must be none, sum or mean");
  }
  if (node.HasAttribute("ignore_index")) parameters.ignored = node.IntAttribute("ignore_index", 0);
  return parameters;
}

Shape LossShape(const Shape& scores) {
  Shape shape = scores;
  shape.Remove(1);
  return shape;
}

void RegisterLosses(OperatorRegistry& registry) {
  registry.Add({.name = "NegativeLogLikelihoodLoss",
                .since = 12,
                .inputs = {2, 3},
                .types = types::kAllFloats,
                .infer = InferLoss});
  registry.Add({.name = "SoftmaxCrossEntropyLoss",
                .since = 12,
                .inputs = {2, 3},
                .outputs = {1, 2},
                .types = types::kAllFloats,
                .infer = InferLoss});
}

}  // namespace mullion::operators
