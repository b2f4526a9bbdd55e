// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferReverseSequence(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 1));
  const int64_t time = context.node().IntAttribute("time_axis", 0);
  const int64_t batch = context.node().IntAttribute("batch_axis", 1);
  if (time < 0 || time > 1 || batch != 1 - time) {
    return context.Error("attributes 'time_axis' and 'batch_axis' are ", time, " and ", batch,
                         " but must be 0 and 1, or 1 and 0");
  }
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterReverseSequence(OperatorRegistry& registry) {
  registry.Add(
      {.name = "ReverseSequence", .since = 10, .inputs = {2, 2}, .infer = InferReverseSequence});
}

}  // namespace mullion::operators
