// SPDX-License-Identifier: MIT
// OneHotEncoder: a category becomes a vector with a one at its place.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferOneHotEncoder(InferenceContext& context) {
  const Node& node = context.node();
  const bool words = context.InputType(0) == ElementType::kString;
  const char* const name = words ? "cats_strings" : "cats_int64s";
  const size_t count = words ? node.StringsAttribute(name).size() : node.IntsAttribute(name).size();
  if (count == 0) {
    return context.Error("attribute '", name, "' must name the categories of ",
                         context.DescribeInput(0));
  }
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr || shape->rank() >= kMaxRank) {
    context.SetOutput(0, ElementType::kFloat);
    return OkStatus();
  }
  Shape output = *shape;
  output.Append(static_cast<int64_t>(count));
  context.SetOutput(0, ElementType::kFloat, output);
  return OkStatus();
}

}  // namespace

void RegisterOneHotEncoder(OperatorRegistry& registry) {
  registry.Add({.name = "OneHotEncoder",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers | types::kString,
                .infer = InferOneHotEncoder});
}

}  // namespace mullion::operators
