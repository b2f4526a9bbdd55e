// SPDX-License-Identifier: MIT
// MaxRoiPool: the maxima of bins of regions.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferMaxRoiPool(InferenceContext& context) {
  const auto size = context.node().IntsAttribute("pooled_shape");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > (int64_t{1} << 20) ||
      size[1] > (int64_t{1} << 20)) {
    return context.Error(
        "attribute 'pooled_shape' must have two elements (height, width) of 1 or "
        "more");
  }
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, 0));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 4));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 2));
  const Shape* const image = context.InputShape(0);
  const Shape* const regions = context.InputShape(1);
  if (regions != nullptr && (*regions)[1] >= 0 && (*regions)[1] != 5) {
    return context.Error(context.DescribeInput(1),
                         " but must have 5 columns: image, left, top, right, bottom");
  }
  context.SetOutput(0, context.InputType(0),
                    Shape{regions != nullptr ? (*regions)[0] : kUnknownDim,
                          image != nullptr ? (*image)[1] : kUnknownDim, size[0], size[1]});
  return OkStatus();
}

}  // namespace

void RegisterMaxRoiPool(OperatorRegistry& registry) {
  registry.Add({.name = "MaxRoiPool",
                .inputs = {2, 2},
                .types = types::kAllFloats,
                .infer = InferMaxRoiPool});
}

}  // namespace mullion::operators
