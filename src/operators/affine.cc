// SPDX-License-Identifier: MIT
// Affine of opset 1: alpha * input + beta. It was experimental and is gone from the standard; it
// becomes Mul and Add.
#include "operators/legacy_affine.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status UpgradeAffine(Node& node) {
  const float alpha = node.FloatAttribute("alpha", 1.0f);
  const Tensor beta = Tensor::Scalar(node.FloatAttribute("beta", 0.0f));
  node.RemoveAttribute("alpha");
  node.RemoveAttribute("beta");
  return BecomeMulAdd(node, alpha, beta);
}

}  // namespace

void RegisterAffine(OperatorRegistry& registry) {
  registry.Add(
      {.name = "Affine", .inputs = {1, 1}, .types = types::kAllFloats, .upgrade = UpgradeAffine});
}

}  // namespace mullion::operators
