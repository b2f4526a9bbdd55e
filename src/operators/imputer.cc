// SPDX-License-Identifier: MIT
// Imputer: puts values where some are missing.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferImputer(InferenceContext& context) {
  const Node& node = context.node();
  const ElementType type = context.InputType(0);
  const bool real = Contains(types::kFloatDouble, type);
  const char* const name = real ? "imputed_value_floats" : "imputed_value_int64s";
  const size_t count = real ? node.FloatsAttribute(name).size() : node.IntsAttribute(name).size();
  const Shape* const shape = context.InputShape(0);
  const int64_t features = shape != nullptr && shape->rank() > 0 ? shape->Back(0) : kUnknownDim;
  if (count == 0 || (count > 1 && features >= 0 && static_cast<int64_t>(count) != features)) {
    return context.Error("attribute '", name, "' has ", count,
                         " elements but must have 1, or one for each feature of its input");
  }
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterImputer(OperatorRegistry& registry) {
  registry.Add({.name = "Imputer",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferImputer});
}

}  // namespace mullion::operators
