// SPDX-License-Identifier: MIT
// LRN, local response normalization across channels.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferLrn(InferenceContext& context) {
  const int64_t size = context.node().IntAttribute("size", 0);
  if (size < 1) {
    return context.Error("attribute 'size' is ", size,
                         " but must be 1 or more: channels to sum over");
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  return InferSameAsFirst(context);
}

}  // namespace

void RegisterLrn(OperatorRegistry& registry) {
  registry.Add({.name = "LRN", .inputs = {1, 1}, .types = types::kAllFloats, .infer = InferLrn});
}

}  // namespace mullion::operators
