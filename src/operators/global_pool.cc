// SPDX-License-Identifier: MIT
// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one window that covers all spatial axes.
#include "base/str_cat.h"
#include "operators/channel_layout.h"
#include "operators/pool.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferGlobalPool(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  const int64_t p = context.node().IntAttribute("p", 2);
  if (p < 1) return context.Error("attribute 'p' is ", p, " but must be 1 or more");
  context.SetOutput(0, context.InputType(0), ChannelLayout(context.node()).Pooled(*shape));
  return OkStatus();
}

}  // namespace

void RegisterGlobalPool(OperatorRegistry& registry) {
  for (const char* const name : {"GlobalAveragePool", "GlobalMaxPool"}) {
    registry.Add(
        {.name = name, .inputs = {1, 1}, .types = types::kAllFloats, .infer = InferGlobalPool});
  }
  registry.Add({.name = "GlobalLpPool",
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .upgrade = UpgradeFloatP});
  registry.Add({.name = "GlobalLpPool",
                .since = 2,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferGlobalPool});
}

}  // namespace mullion::operators
