// SPDX-License-Identifier: MIT
// BatchNormalization.
//
// The newest form is that of opset 14 with two things that only old models use: outputs 3 and 4,
// the saved mean and variance, and the internal attribute `per_activation` = 1 (until opset 9
// `spatial` = 0), where each element of [C, D1, D2...] has statistics of its own.
#include "base/str_cat.h"
#include "operators/channel_layout.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status RequireParameter(InferenceContext& context, int i, int64_t channels, bool per_activation) {
  MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kAllFloats));
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || per_activation) return OkStatus();
  MULLION_RETURN_IF_ERROR(context.RequireRank(i, 1));
  if (channels < 0 || (*shape)[0] < 0 || (*shape)[0] == channels) return OkStatus();
  return context.Error(context.DescribeInput(i), " but ", context.DescribeInput(0), " has ",
                       channels, " channels; there must be one element for each");
}

Status InferBatchNormalization(InferenceContext& context) {
  const Node& node = context.node();
  const bool per_activation = node.domain() == kInternalDomain;
  const Shape* const shape = context.InputShape(0);
  int64_t channels = kUnknownDim;
  if (shape != nullptr) {
    MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
    channels = ChannelLayout(node).Channels(*shape);
  }
  for (int i = 1; i < 5; ++i) {
    MULLION_RETURN_IF_ERROR(RequireParameter(context, i, channels, per_activation));
  }
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  for (int i = 1; i < context.output_count(); ++i) {
    if (context.InputShape(3) != nullptr) {
      context.SetOutput(i, context.InputType(3), *context.InputShape(3));
    } else {
      context.SetOutput(i, context.InputType(3));
    }
  }
  return OkStatus();
}

// Until opset 14 the outputs said whether to train: those after the first are for training only.
Status UpgradeBatchNormalization(Node& node) {
  const bool per_activation = node.IntAttribute("spatial", 1) == 0;
  bool trains = false;
  for (int i = 1; i < node.output_count(); ++i) {
    const Value* const output = node.output(i);
    if (output != nullptr && (!output->uses().empty() || output->IsGraphOutput())) trains = true;
  }
  if (trains && node.IntAttribute("is_test", 0) == 0) {
    node.SetAttribute("training_mode", int64_t{1});
  }
  for (const char* const old : {"spatial", "is_test", "consumed_inputs"}) node.RemoveAttribute(old);
  if (per_activation) {
    node.SetOperator(kInternalDomain, "PerActivationBatchNormalization", 1);
  } else {
    node.set_opset(14);
  }
  return OkStatus();
}

}  // namespace

void RegisterBatchNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "BatchNormalization",
                .inputs = {5, 5},
                .outputs = {1, 5},
                .types = types::kAllFloats,
                .upgrade = UpgradeBatchNormalization});
  registry.Add({.name = "BatchNormalization",
                .since = 14,
                .inputs = {5, 5},
                .outputs = {1, 5},
                .types = types::kAllFloats,
                .infer = InferBatchNormalization});
  registry.Add({.name = "PerActivationBatchNormalization",
                .domain = kInternalDomain,
                .inputs = {5, 5},
                .outputs = {1, 5},
                .types = types::kAllFloats,
                .infer = InferBatchNormalization});
}

}  // namespace mullion::operators
