// SPDX-License-Identifier: MIT
// GRU. GRU-3 added `linear_before_reset`, GRU-14 `layout`, GRU-22 bfloat16.
#include "operators/recurrent.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferGru(InferenceContext& context) { return InferRecurrent(context, RecurrentKind::kGru); }

Status UpgradeGru1(Node& node) {
  node.RemoveAttribute("linear_before_reset");
  return UpgradeRecurrent1(node, 3);
}
Status UpgradeGru3(Node& node) { return UpgradeRecurrent1(node, 7); }

}  // namespace

void RegisterGru(OperatorRegistry& registry) {
  OperatorDefinition form{.name = "GRU", .inputs = {3, 6}, .outputs = {0, 2}, .infer = InferGru};
  form.upgrade = UpgradeGru1;
  registry.Add(form);
  form.upgrade = UpgradeGru3;
  form.since = 3;
  registry.Add(form);
  form.upgrade = nullptr;
  form.since = 7;
  registry.Add(form);
}

}  // namespace mullion::operators
