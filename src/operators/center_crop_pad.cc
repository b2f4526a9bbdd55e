// SPDX-License-Identifier: MIT
#include "operators/center_crop_pad.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<Shape> CenterCropPadTarget(const Shape& input, const IntList& target,
                                  std::span<const int64_t> axes) {
  IntList normal = IntList::Iota(input.rank());
  if (!axes.empty()) {
    MULLION_ASSIGN_OR_RETURN(normal, ToIntList(axes, "attribute 'axes'"));
  }
  MULLION_RETURN_IF_ERROR(NormalizeAxes(normal, input.rank()));
  if (normal.size() != target.size()) {
    return InvalidModel("input 'shape' has ", target.size(), " dimensions for ", normal.size(),
                        " axes");
  }
  Shape shape = input;
  for (int i = 0; i < target.size(); ++i) {
    if (target[i] < 0) {
      return InvalidModel("a dimension of ", target[i], " in input 'shape' makes no sense");
    }
    shape[static_cast<int>(normal[i])] = target[i];
  }
  return shape;
}

namespace {

Status InferCenterCropPad(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  const std::span<const int64_t> axes = context.node().IntsAttribute("axes");
  MULLION_ASSIGN_OR_RETURN(const auto target, KnownInts(context, 1, "input 'shape'"));
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  IntList dims = target.value_or(IntList());
  if (!target.has_value()) {  // named axes tell at least which dimensions stay
    const int count = axes.empty() ? input->rank() : static_cast<int>(axes.size());
    dims = IntList::Filled(std::min(count, kMaxRank), 0);
  }
  const Result<Shape> shape = CenterCropPadTarget(*input, dims, axes);
  if (!shape.ok()) return context.Error(shape.status().message());
  Shape out = *shape;
  if (!target.has_value()) {
    for (int i = 0; i < out.rank(); ++i) {
      const bool named = axes.empty() || std::any_of(axes.begin(), axes.end(), [&](int64_t axis) {
                           return NormalizeAxis(axis, out.rank()) == i;
                         });
      if (named) out[i] = kUnknownDim;
    }
  }
  context.SetOutput(0, type, out);
  return OkStatus();
}

}  // namespace

void RegisterCenterCropPad(OperatorRegistry& registry) {
  registry.Add(
      {.name = "CenterCropPad", .since = 18, .inputs = {2, 2}, .infer = InferCenterCropPad});
}

}  // namespace mullion::operators
