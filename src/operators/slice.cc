// SPDX-License-Identifier: MIT
#include "operators/slice.h"

#include <algorithm>
#include <limits>

#include "base/str_cat.h"
#include "operators/attribute_inputs.h"
#include "operators/registry.h"

namespace mullion::operators {

Shape SliceRanges::shape() const {
  Shape out;
  for (int i = 0; i < rank; ++i) out.Append(axes[static_cast<size_t>(i)].count);
  return out;
}

bool SliceRanges::IsWhole(const Shape& input) const {
  for (int i = 0; i < rank; ++i) {
    const SliceRange& range = axes[static_cast<size_t>(i)];
    if (range.count != input[i] || (range.step != 1 && range.count > 1)) return false;
  }
  return true;
}

SliceRange ResolveRange(int64_t dim, int64_t start, int64_t end, int64_t step) {
  if (dim < 0) {
    // Exporters write "to the end" as the largest int64 or int32.
    const bool whole = start == 0 && step == 1 && end >= std::numeric_limits<int32_t>::max();
    return {start, step, whole ? dim : kUnknownDim};
  }
  // Kept away from the limits so that the arithmetic below cannot overflow.
  constexpr int64_t kFar = int64_t{1} << 61;
  start = std::clamp(start, -kFar, kFar);
  end = std::clamp(end, -kFar, kFar);
  step = std::clamp(step, -kFar, kFar);
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dim);
    end = std::clamp<int64_t>(end, 0, dim);
    const int64_t count = end > start ? (end - start - 1) / step + 1 : 0;
    return {start, count > 1 ? step : 1, count};
  }
  // Slice-13: a start below the axis is its first element, where Python selects nothing.
  if (dim == 0) return {0, 1, 0};
  start = std::clamp<int64_t>(start, 0, dim - 1);
  end = std::clamp<int64_t>(end, -1, dim - 1);
  const int64_t count = start > end ? (start - end - 1) / -step + 1 : 0;
  return {start, count > 1 ? step : 1, count};
}

Result<SliceRanges> ResolveSlice(const Shape& input, const IntList& starts, const IntList& ends,
                                 const IntList* axes, const IntList* steps) {
  const int count = starts.size();
  if (ends.size() != count || (axes != nullptr && axes->size() != count) ||
      (steps != nullptr && steps->size() != count)) {
    return InvalidModel("there are ", count, " starts, ", ends.size(), " ends, ",
                        axes != nullptr ? axes->size() : count, " axes and ",
                        steps != nullptr ? steps->size() : count,
                        " steps; there must be as many of each");
  }
  if (axes == nullptr && count > input.rank()) {
    return InvalidModel("there are ", count, " starts but the input has only rank ", input.rank());
  }
  IntList normal = axes != nullptr ? *axes : IntList::Iota(count);
  MULLION_RETURN_IF_ERROR(NormalizeAxes(normal, input.rank()));
  SliceRanges ranges;
  ranges.rank = input.rank();
  for (int i = 0; i < input.rank(); ++i) ranges.axes[static_cast<size_t>(i)] = {0, 1, input[i]};
  for (int i = 0; i < count; ++i) {
    const int64_t step = steps != nullptr ? (*steps)[i] : 1;
    if (step == 0)
      return InvalidModel("a step of 0 makes no sense; input 'steps' must not hold it");
    ranges.axes[static_cast<size_t>(normal[i])] =
        ResolveRange(input[static_cast<int>(normal[i])], starts[i], ends[i], step);
  }
  return ranges;
}

namespace {

Status InferSlice(InferenceContext& context) {
  for (int i = 1; i < 5; ++i) MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kIndices));
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const auto starts, KnownInts(context, 1, "input 'starts'"));
  MULLION_ASSIGN_OR_RETURN(const auto ends, KnownInts(context, 2, "input 'ends'"));
  MULLION_ASSIGN_OR_RETURN(auto axes, KnownInts(context, 3, "input 'axes'"));
  MULLION_ASSIGN_OR_RETURN(const auto steps, KnownInts(context, 4, "input 'steps'"));
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const bool axes_known = axes.has_value() || !context.HasInput(3);
  const bool steps_known = steps.has_value() || !context.HasInput(4);
  if (starts.has_value() && ends.has_value() && axes_known && steps_known) {
    const Result<SliceRanges> ranges =
        ResolveSlice(*input, *starts, *ends, axes ? &*axes : nullptr, steps ? &*steps : nullptr);
    if (!ranges.ok()) return context.Error(ranges.status().message());
    context.SetOutput(0, type, ranges->shape());
    return OkStatus();
  }
  // The axes alone tell which dimensions stay.
  MULLION_ASSIGN_OR_RETURN(const Shape shape, WithUnknownSizes(context, *input, axes));
  context.SetOutput(0, type, shape);
  return OkStatus();
}

// Slice-10 takes starts, ends and axes as inputs.
Status UpgradeSlice(Node& node) {
  if (!node.HasAttribute("starts") || !node.HasAttribute("ends")) {
    return node.Error(StatusCode::kInvalidModel,
                      "attributes 'starts' and 'ends' are required; export the model again");
  }
  MoveIntsToInput(node, "starts", 1);
  MoveIntsToInput(node, "ends", 2);
  MoveIntsToInput(node, "axes", 3);
  node.set_opset(10);
  return OkStatus();
}

}  // namespace

void RegisterSlice(OperatorRegistry& registry) {
  registry.Add({.name = "Slice", .inputs = {1, 1}, .upgrade = UpgradeSlice});
  registry.Add({.name = "Slice", .since = 10, .inputs = {3, 5}, .infer = InferSlice});
}

}  // namespace mullion::operators
