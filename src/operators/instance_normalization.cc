// SPDX-License-Identifier: MIT
// InstanceNormalization.
#include "base/str_cat.h"
#include "operators/channel_layout.h"
#include "operators/epilogue.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferInstanceNormalization(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 3));
  const Shape* const shape = context.InputShape(0);
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, kResidualInput));
  if (shape != nullptr) MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, *shape));
  for (int i = 1; i < 3; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(i, 0));
    MULLION_RETURN_IF_ERROR(context.RequireRank(i, 1));
    const Shape* const parameter = context.InputShape(i);
    if (shape == nullptr || parameter == nullptr) continue;
    const int64_t channels = ChannelLayout(context.node()).Channels(*shape);
    if (channels < 0 || (*parameter)[0] < 0 || (*parameter)[0] == channels) continue;
    return context.Error(context.DescribeInput(i), " but ", context.DescribeInput(0), " has ",
                         channels, " channels; there must be one element for each");
  }
  return InferSameAsFirst(context);
}

// Opset 6 dropped consumed_inputs, which said what could be overwritten.
Status UpgradeInstanceNormalization(Node& node) {
  node.RemoveAttribute("consumed_inputs");
  node.set_opset(6);
  return OkStatus();
}

}  // namespace

void RegisterInstanceNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "InstanceNormalization",
                .inputs = {3, 3},
                .types = types::kAllFloats,
                .upgrade = UpgradeInstanceNormalization});
  registry.Add({.name = "InstanceNormalization",
                .since = 6,
                .inputs = {3, 4},
                .added_inputs = 1,
                .types = types::kAllFloats,
                .infer = InferInstanceNormalization});
}

}  // namespace mullion::operators
