// SPDX-License-Identifier: MIT
#include "operators/tree_ensemble.h"

#include "base/str_cat.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferClassifier(InferenceContext& context) {
  const ClassLabels labels = ClassLabels::FromNode(context.node(), "classlabels_int64s");
  if (labels.count() == 0) {
    return context.Error(
        "it has no class labels; one of the attributes 'classlabels_strings' and "
        "'classlabels_int64s' must be there");
  }
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  context.SetOutput(0, labels.type(), Shape{rows});
  context.SetOutput(1, ElementType::kFloat, Shape{rows, labels.count()});
  return OkStatus();
}

Status InferTargets(InferenceContext& context, ElementType type) {
  const int64_t targets = context.node().IntAttribute("n_targets", 1);
  if (targets < 1) return context.Error("attribute 'n_targets' is ", targets);
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  context.SetOutput(0, type, Shape{rows, targets});
  return OkStatus();
}

Status InferRegressor(InferenceContext& context) {
  return InferTargets(context, ElementType::kFloat);
}

Status InferTreeEnsemble(InferenceContext& context) {
  return InferTargets(context, context.InputType(0));
}

}  // namespace

// Version 3 of the two older operators added attributes with doubles; version 5 deprecates them.
void RegisterTreeEnsemble(OperatorRegistry& registry) {
  registry.Add({.name = "TreeEnsembleClassifier",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .outputs = {2, 2},
                .types = kMlNumbers,
                .infer = InferClassifier});
  registry.Add({.name = "TreeEnsembleRegressor",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferRegressor});
  registry.Add({.name = "TreeEnsemble",
                .domain = kMlDomain,
                .since = 5,
                .inputs = {1, 1},
                .types = types::kFloatDouble | SetOf(ElementType::kFloat16),
                .infer = InferTreeEnsemble});
}

}  // namespace mullion::operators
