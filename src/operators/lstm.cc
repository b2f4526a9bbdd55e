// SPDX-License-Identifier: MIT
// LSTM. LSTM-14 added `layout`, LSTM-22 bfloat16.
#include "operators/recurrent.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferLstm(InferenceContext& context) {
  return InferRecurrent(context, RecurrentKind::kLstm);
}

Status UpgradeLstm1(Node& node) { return UpgradeRecurrent1(node, 7); }

}  // namespace

void RegisterLstm(OperatorRegistry& registry) {
  OperatorDefinition form{.name = "LSTM", .inputs = {3, 8}, .outputs = {0, 3}, .infer = InferLstm};
  form.upgrade = UpgradeLstm1;
  registry.Add(form);
  form.upgrade = nullptr;
  form.since = 7;
  registry.Add(form);
}

}  // namespace mullion::operators
