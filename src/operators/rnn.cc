// SPDX-License-Identifier: MIT
// RNN. RNN-14 added `layout`, RNN-22 bfloat16.
#include "operators/recurrent.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferRnn(InferenceContext& context) { return InferRecurrent(context, RecurrentKind::kRnn); }

Status UpgradeRnn1(Node& node) { return UpgradeRecurrent1(node, 7); }

}  // namespace

void RegisterRnn(OperatorRegistry& registry) {
  OperatorDefinition form{.name = "RNN", .inputs = {3, 6}, .outputs = {0, 2}, .infer = InferRnn};
  form.upgrade = UpgradeRnn1;
  registry.Add(form);
  form.upgrade = nullptr;
  form.since = 7;
  registry.Add(form);
}

}  // namespace mullion::operators
