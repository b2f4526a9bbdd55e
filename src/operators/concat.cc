// SPDX-License-Identifier: MIT
#include "operators/concat.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

Status JoinShapes(Shape& joined, const Shape& next, int axis) {
  bool fits = joined.rank() == next.rank();
  for (int i = 0; fits && i < joined.rank(); ++i) {
    if (i == axis) continue;
    fits = joined[i] == next[i] || joined[i] < 0 || next[i] < 0;
    if (joined[i] < 0 && next[i] >= 0) joined[i] = next[i];
  }
  if (!fits) {
    return InvalidModel("shape ", next.ToString(), " cannot be joined to ", joined.ToString(),
                        " along axis ", axis, "; all other dimensions must be equal");
  }
  const bool known = joined[axis] >= 0 && next[axis] >= 0;
  joined[axis] = known ? joined[axis] + next[axis] : kUnknownDim;
  return OkStatus();
}

Status InferJoined(InferenceContext& context, ElementType type) {
  if (!context.node().HasAttribute("axis")) {
    return context.Error("attribute 'axis' is required; export the model again");
  }
  for (int i = 0; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  // Any input tells the rank.
  const Shape* first = nullptr;
  for (int i = 0; i < context.input_count() && first == nullptr; ++i) first = context.InputShape(i);
  if (first == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), first->rank()));
  Shape joined = Shape::Filled(first->rank(), kUnknownDim);
  for (int i = 0; i < context.input_count(); ++i) {
    const Shape* const shape = context.InputShape(i);
    if (shape == nullptr) {
      joined[axis] = kUnknownDim;
    } else if (i == 0) {
      joined = *shape;
    } else {
      const Status status = JoinShapes(joined, *shape, axis);
      if (!status.ok()) return context.Error("input ", i, ": ", status.message());
    }
  }
  context.SetOutput(0, type, joined);
  return OkStatus();
}

namespace {

Status InferConcat(InferenceContext& context) { return InferJoined(context, context.InputType(0)); }

// Until Concat-4 the axis was 1 when not named.
Status UpgradeConcat(Node& node) {
  if (!node.HasAttribute("axis")) node.SetAttribute("axis", int64_t{1});
  node.set_opset(4);
  return OkStatus();
}

}  // namespace

void RegisterConcat(OperatorRegistry& registry) {
  registry.Add({.name = "Concat", .inputs = {1, kVariadic}, .upgrade = UpgradeConcat});
  registry.Add({.name = "Concat", .since = 4, .inputs = {1, kVariadic}, .infer = InferConcat});
}

}  // namespace mullion::operators
