// SPDX-License-Identifier: MIT
// Normalizer: rows of features divided by their greatest element, their sum or their length.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferNormalizer(InferenceContext& context) {
  const std::string_view norm = context.node().StringAttribute("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2") {
    return context.Error("attribute 'norm' is '", norm, "' but must be MAX, L1 or L2");
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  return InferFloatLikeFirst(context);
}

}  // namespace

void RegisterNormalizer(OperatorRegistry& registry) {
  registry.Add({.name = "Normalizer",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferNormalizer});
}

}  // namespace mullion::operators
