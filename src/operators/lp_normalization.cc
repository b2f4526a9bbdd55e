// SPDX-License-Identifier: MIT
// LpNormalization: divides by the L1 or L2 norm along an axis.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferLpNormalization(InferenceContext& context) {
  const int64_t p = context.node().IntAttribute("p", 2);
  if (p != 1 && p != 2) {
    return context.Error("attribute 'p' is ", p, " but must be 1 or 2");
  }
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) return OkStatus();
  return context.Axis(context.node().IntAttribute("axis", -1), shape->rank()).status();
}

}  // namespace

void RegisterLpNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "LpNormalization",
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferLpNormalization});
}

}  // namespace mullion::operators
