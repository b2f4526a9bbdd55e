// SPDX-License-Identifier: MIT
// CumSum and CumProd.
#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferCumulative(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_ASSIGN_OR_RETURN(const auto axis, KnownInts(context, 1, "input 'axis'"));
  const Shape* const input = context.InputShape(0);
  if (axis.has_value()) {
    if (axis->size() != 1) return context.Error("input 'axis' must have one element");
    if (input != nullptr) {
      const Result<int> normal = context.Axis((*axis)[0], input->rank());
      if (!normal.ok()) return normal.status();
    }
  }
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterCumulative(OperatorRegistry& registry) {
  registry.Add({.name = "CumSum",
                .since = 11,
                .inputs = {2, 2},
                .types = types::kNumeric,
                .infer = InferCumulative});
  registry.Add({.name = "CumProd",
                .since = 26,
                .inputs = {2, 2},
                .types = types::kNumeric,
                .infer = InferCumulative});
}

}  // namespace mullion::operators
