// SPDX-License-Identifier: MIT
// Shape and Size: operators whose output hangs on their input's shape alone.
#include <algorithm>

#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferShape(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, ElementType::kInt64, Shape{kUnknownDim});
    return OkStatus();
  }
  // Shape-15 takes a slice [start, end) of the axes, clamped like Python's.
  const int64_t rank = shape->rank();
  const auto clamp = [rank](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t start = clamp(context.node().IntAttribute("start", 0));
  const int64_t end = clamp(context.node().IntAttribute("end", rank));
  context.SetOutput(0, ElementType::kInt64, Shape{std::max<int64_t>(end - start, 0)});
  return OkStatus();
}

Status InferSize(InferenceContext& context) {
  context.SetOutput(0, ElementType::kInt64, Shape{});
  return OkStatus();
}

}  // namespace

void RegisterShapeOf(OperatorRegistry& registry) {
  registry.Add({.name = "Shape", .inputs = {1, 1}, .infer = InferShape, .shape_only = true});
  registry.Add({.name = "Size", .inputs = {1, 1}, .infer = InferSize, .shape_only = true});
}

}  // namespace mullion::operators
