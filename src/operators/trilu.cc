// SPDX-License-Identifier: MIT
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferTrilu(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterTrilu(OperatorRegistry& registry) {
  registry.Add({.name = "Trilu", .since = 14, .inputs = {1, 2}, .infer = InferTrilu});
}

}  // namespace mullion::operators
