// SPDX-License-Identifier: MIT
// ZipMap: rows of scores become maps from labels to scores.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferZipMap(InferenceContext& context) {
  const ClassLabels labels = ClassLabels::FromNode(context.node(), "classlabels_int64s");
  if (labels.count() == 0) {
    return context.Error(
        "it has no class labels; one of the attributes 'classlabels_strings' and "
        "'classlabels_int64s' must be there");
  }
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  static_cast<void>(rows);
  const Shape* const shape = context.InputShape(0);
  if (shape != nullptr && shape->Back(0) >= 0 && shape->Back(0) != labels.count()) {
    return context.Error(context.DescribeInput(0), " but there are ", labels.count(),
                         " class labels; both must agree");
  }
  context.SetOutput(0, TypeInfo::Sequence(TypeInfo::Map(
                           labels.type(), TypeInfo::Tensor(ElementType::kFloat, Shape{}))));
  return OkStatus();
}

}  // namespace

void RegisterZipMap(OperatorRegistry& registry) {
  registry.Add({.name = "ZipMap",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = types::kFloat,
                .infer = InferZipMap});
}

}  // namespace mullion::operators
