// SPDX-License-Identifier: MIT
// Dropout: in inference, which is the default, its input unchanged.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferDropout(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  if (context.InputShape(0) != nullptr) {
    context.SetOutput(1, ElementType::kBool, *context.InputShape(0));
  } else {
    context.SetOutput(1, ElementType::kBool);
  }
  return OkStatus();
}

// Until opset 11 the ratio was an attribute, which inference does not need; until opset 6 `is_test`
// said whether to train, and files that are run say 1.
Status UpgradeDropout(Node& node) {
  node.RemoveAttribute("ratio");
  node.RemoveAttribute("is_test");
  node.set_opset(12);
  return OkStatus();
}

}  // namespace

void RegisterDropout(OperatorRegistry& registry) {
  registry.Add({.name = "Dropout",
                .inputs = {1, 1},
                .outputs = {1, 2},
                .infer = InferDropout,
                .upgrade = UpgradeDropout});
  registry.Add({.name = "Dropout",
                .since = 12,
                .inputs = {1, 3},
                .outputs = {1, 2},
                .infer = InferDropout,
                .random = true});
}

}  // namespace mullion::operators
