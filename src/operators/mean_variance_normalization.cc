// SPDX-License-Identifier: MIT
// MeanVarianceNormalization. Before opset 9 it was experimental: `across_channels` chose the axes,
// and the variance could be left as it was (internal attribute `keep_variance` = 1 in the newest
// form).
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferMeanVarianceNormalization(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) return OkStatus();
  if (!context.node().HasAttribute("axes")) return context.RequireRankAtLeast(0, 4);
  Result<IntList> axes = ToIntList(context.node().IntsAttribute("axes"), "attribute 'axes'");
  Status status = axes.ok() ? NormalizeAxes(*axes, shape->rank()) : axes.status();
  return status.ok() ? status : context.Error(status.message());
}

Status UpgradeMeanVarianceNormalization(Node& node) {
  const bool across_channels = node.IntAttribute("across_channels", 0) != 0;
  node.SetAttribute("axes",
                    across_channels ? std::vector<int64_t>{1, 2, 3} : std::vector<int64_t>{2, 3});
  if (node.IntAttribute("normalize_variance", 1) == 0) {
    node.SetAttribute("keep_variance", int64_t{1});
  }
  node.RemoveAttribute("across_channels");
  node.RemoveAttribute("normalize_variance");
  node.set_opset(9);
  return OkStatus();
}

}  // namespace

void RegisterMeanVarianceNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "MeanVarianceNormalization",
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .upgrade = UpgradeMeanVarianceNormalization});
  registry.Add({.name = "MeanVarianceNormalization",
                .since = 9,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferMeanVarianceNormalization});
}

}  // namespace mullion::operators
