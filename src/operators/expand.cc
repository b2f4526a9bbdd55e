// SPDX-License-Identifier: MIT
// Expand: broadcasts to the common shape of the input and input 'shape'. Either may be the larger.
#include "operators/expand.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<Shape> ExpandTarget(const Shape& input, const IntList& target) {
  if (target.size() > kMaxRank) {
    return InvalidModel("input 'shape' has ", target.size(), " dimensions but at most ", kMaxRank,
                        " are supported");
  }
  const Shape wanted(target.span());
  const std::optional<Shape> shape =
      wanted.IsConcrete() ? BroadcastShapes(input, wanted) : std::nullopt;
  if (shape.has_value()) return *shape;
  return InvalidModel("shape ", input.ToString(), " cannot be expanded to ", wanted.ToString(),
                      "; counted from the last, dimensions must be equal or 1");
}

namespace {

Status InferExpand(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const auto target, KnownInts(context, 1, "input 'shape'"));
  if (target.has_value() && input != nullptr) {
    const Result<Shape> shape = ExpandTarget(*input, *target);
    if (!shape.ok()) return context.Error(shape.status().message());
    context.SetOutput(0, type, *shape);
    return OkStatus();
  }
  const Shape* const length = context.InputShape(1);
  if (input != nullptr && length != nullptr && length->rank() == 1 && (*length)[0] >= 0 &&
      (*length)[0] <= kMaxRank) {
    const int rank = std::max(input->rank(), static_cast<int>((*length)[0]));
    context.SetOutput(0, type, Shape::Filled(rank, kUnknownDim));
  } else {
    context.SetOutput(0, type);
  }
  return OkStatus();
}

}  // namespace

void RegisterExpand(OperatorRegistry& registry) {
  registry.Add({.name = "Expand", .since = 8, .inputs = {2, 2}, .infer = InferExpand});
}

}  // namespace mullion::operators
