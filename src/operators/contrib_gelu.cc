// SPDX-License-Identifier: MIT
// com.microsoft's Gelu family: Gelu, FastGelu (tanh form, optional bias), BiasGelu, QuickGelu.
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Value* Biased(Expansion& expansion, Node& node) {
  Value* const x = node.input(0);
  Value* const bias = node.input(1);
  return bias == nullptr ? x : &expansion.Add("Add", {x, bias});
}

Status UpgradeGelu(Node& node) {
  Expansion expansion(node);
  expansion.Become("Gelu", {Biased(expansion, node)});
  return OkStatus();
}

Status UpgradeFastGelu(Node& node) {
  MULLION_RETURN_IF_ERROR(UpgradeGelu(node));
  node.SetAttribute("approximate", std::string("tanh"));
  return OkStatus();
}

// x * sigmoid(alpha * x)
Status UpgradeQuickGelu(Node& node) {
  const float alpha = node.FloatAttribute("alpha", 1.702f);
  Expansion(node).Become("Swish", {node.input(0)});
  node.SetOperator("", "Swish", 24);
  node.SetAttribute("alpha", alpha);
  return OkStatus();
}

}  // namespace

void RegisterContribGelu(OperatorRegistry& registry) {
  const std::string_view domain = "com.microsoft";
  registry.Add({.name = "Gelu", .domain = domain, .inputs = {1, 1}, .upgrade = UpgradeGelu});
  registry.Add({.name = "BiasGelu", .domain = domain, .inputs = {2, 2}, .upgrade = UpgradeGelu});
  registry.Add(
      {.name = "FastGelu", .domain = domain, .inputs = {1, 2}, .upgrade = UpgradeFastGelu});
  registry.Add(
      {.name = "QuickGelu", .domain = domain, .inputs = {1, 1}, .upgrade = UpgradeQuickGelu});
}

}  // namespace mullion::operators
