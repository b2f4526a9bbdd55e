// SPDX-License-Identifier: MIT
// Scaler: (feature - offset) * scale.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferScaler(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  const Shape* const shape = context.InputShape(0);
  for (const char* const name : {"offset", "scale"}) {
    const auto count = static_cast<int64_t>(context.node().FloatsAttribute(name).size());
    if (shape == nullptr || shape->Back(0) < 0 || count <= 1 || count == shape->Back(0)) continue;
    return context.Error("attribute '", name, "' has ", count,
                         " elements but must have 1 "
                         "or, for its input, ",
                         shape->Back(0));
  }
  return InferFloatLikeFirst(context);
}

}  // namespace

void RegisterScaler(OperatorRegistry& registry) {
  registry.Add({.name = "Scaler",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferScaler});
}

}  // namespace mullion::operators
