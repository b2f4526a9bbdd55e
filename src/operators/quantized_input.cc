// SPDX-License-Identifier: MIT
#include "operators/quantized_input.h"

#include "base/str_cat.h"

namespace mullion::operators {

Status RequireByteScale(const InferenceContext& context, int scale, ElementType type) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(scale));
  MULLION_RETURN_IF_ERROR(context.RequireType(scale, types::kFloat));
  MULLION_RETURN_IF_ERROR(context.RequireType(scale + 1, SetOf(type)));
  for (int i = scale; i < scale + 2; ++i) {
    const Shape* const shape = context.InputShape(i);
    if (shape == nullptr || !shape->IsConcrete() || shape->ElementCount() == 1) continue;
    return context.Error(context.DescribeInput(i),
                         " but must have one element, for the whole tensor");
  }
  return OkStatus();
}

Status RequireOneOrEach(const InferenceContext& context, int i, int64_t count, const char* what) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || count < 0) return OkStatus();
  const int64_t elements = shape->ElementCount();
  if (elements == 1 || elements == count) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have 1 element or ", count,
                       ", one for each ", what);
}

}  // namespace mullion::operators
