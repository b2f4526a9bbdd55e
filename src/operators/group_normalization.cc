// SPDX-License-Identifier: MIT
// GroupNormalization. In opset 18 there was one scale and bias for each group, since 21 there is
// one for each channel; the internal attribute `scale_per_group` = 1 marks the former.
#include "base/str_cat.h"
#include "operators/channel_layout.h"
#include "operators/epilogue.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferGroupNormalization(InferenceContext& context) {
  const Node& node = context.node();
  const int64_t groups = node.IntAttribute("num_groups", 0);
  if (groups <= 0) {
    return context.Error("attribute 'num_groups' is ", groups, " but must be 1 or more");
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  const Shape* const shape = context.InputShape(0);
  const int64_t channels = shape == nullptr ? kUnknownDim : ChannelLayout(node).Channels(*shape);
  if (channels >= 0 && channels % groups != 0) {
    return context.Error(context.DescribeInput(0), ", whose ", channels,
                         " channels do not divide into ", groups,
                         " groups (attribute 'num_groups')");
  }
  const int64_t wanted = node.IntAttribute("scale_per_group", 0) != 0 ? groups : channels;
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, kResidualInput));
  if (shape != nullptr) MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, *shape));
  for (int i = 1; i < 3; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(i, 0));
    MULLION_RETURN_IF_ERROR(context.RequireRank(i, 1));
    const Shape* const parameter = context.InputShape(i);
    if (parameter == nullptr || wanted < 0 || (*parameter)[0] < 0) continue;
    if ((*parameter)[0] != wanted) {
      return context.Error(context.DescribeInput(i), " but must have ", wanted, " elements");
    }
  }
  return InferSameAsFirst(context);
}

Status UpgradeGroupNormalization(Node& node) {
  node.SetAttribute("scale_per_group", int64_t{1});
  node.set_opset(21);
  return OkStatus();
}

}  // namespace

void RegisterGroupNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "GroupNormalization",
                .since = 18,
                .inputs = {3, 3},
                .types = types::kAllFloats,
                .upgrade = UpgradeGroupNormalization});
  registry.Add({.name = "GroupNormalization",
                .since = 21,
                .inputs = {3, 4},
                .added_inputs = 1,
                .types = types::kAllFloats,
                .infer = InferGroupNormalization});
}

}  // namespace mullion::operators
