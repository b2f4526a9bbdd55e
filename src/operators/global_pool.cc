// SPDX-License-Identifier: MIT
// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one window that covers all spatial axes.
#include "base/str_cat.h"
#include "operators/channel_layout.h"
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
  if (p < 1) return context.Error(StrCat("attribute 'p' is ", p, " but must be 1 or more"));
  const ChannelLayout layout(context.node());
  Shape output = *shape;
  for (int i = 0; i < shape->rank() - 2; ++i) output[layout.SpatialAxis(i)] = 1;
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

// In opset 1 p was a float.
Status UpgradeGlobalLpPool(Node& node) {
  const float p = node.FloatAttribute("p", 2.0f);
  if (!(p >= 1 && p < 1e6f) || p != static_cast<float>(static_cast<int64_t>(p))) {
    return node.Error(StatusCode::kUnsupported,
                      StrCat("attribute 'p' is ", p, "; whole numbers from 1 are supported"));
  }
  node.SetAttribute("p", static_cast<int64_t>(p));
  node.set_opset(2);
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
                .upgrade = UpgradeGlobalLpPool});
  registry.Add({.name = "GlobalLpPool",
                .since = 2,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferGlobalPool});
}

}  // namespace mullion::operators
