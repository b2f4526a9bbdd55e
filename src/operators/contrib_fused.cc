// SPDX-License-Identifier: MIT
// com.microsoft's products and convolutions with what follows them, written out. The optimizer puts
// them together again in its own way.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

struct Activation {
  std::string name;
  float alpha = 0;
  float beta = 0;
  bool has_alpha = false;
  float gamma = 0;  // Selu's
};

// An operator of ai.onnx with one input, or Clip, whose bounds are constants here.
Status CheckActivation(const Node& node, const Activation& activation) {
  for (const std::string_view known :
       {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "HardSwish", "Elu",
        "Softplus", "Softsign", "Gelu", "Selu", "Celu", "ThresholdedRelu"}) {
    if (activation.name == known) return OkStatus();
  }
  return node.Error(StatusCode::kUnsupported, "attribute 'activation' is '", activation.name,
                    "', which is not supported; export the model without fusion");
}

// The node itself becomes the activation of `x`.
void BecomeActivation(Expansion& expansion, Node& node, const Activation& activation, Value& x) {
  if (activation.name == "Clip") {
    return expansion.Become(
        "Clip", {&x, &expansion.Like(activation.alpha, x), &expansion.Like(activation.beta, x)});
  }
  expansion.Become(activation.name, {&x});
  const bool is_selu = activation.name == "Selu", is_hard = activation.name == "HardSigmoid";
  const bool takes_alpha = is_selu || is_hard || activation.name == "LeakyRelu" ||
                           activation.name == "Elu" || activation.name == "Celu" ||
                           activation.name == "ThresholdedRelu";
  if (!activation.has_alpha || !takes_alpha) return;
  node.SetAttribute("alpha", activation.alpha);
  if (is_hard) node.SetAttribute("beta", activation.beta);
  if (is_selu && activation.gamma != 0) node.SetAttribute("gamma", activation.gamma);
}

Activation ReadActivation(const Node& node) {
  Activation activation;
  activation.name = node.StringAttribute("activation", "");
  const auto list = node.FloatsAttribute("activation_params");
  activation.has_alpha = !list.empty() || node.HasAttribute("activation_alpha");
  activation.alpha = list.empty() ? node.FloatAttribute("activation_alpha", 0) : list[0];
  activation.beta = list.size() < 2 ? node.FloatAttribute("activation_beta", 0) : list[1];
  activation.gamma = node.FloatAttribute("activation_gamma", 0);
  return activation;
}

void CopyAttributes(const Node& from, Node& to) {
  for (const Attribute& attribute : from.attributes()) {
    if (attribute.name.rfind("activation", 0) == 0) continue;
    to.SetAttribute(attribute.name, attribute.value);
  }
}

Status UpgradeFusedGemm(Node& node) {
  const Activation activation = ReadActivation(node);
  MULLION_RETURN_IF_ERROR(CheckActivation(node, activation));
  Expansion expansion(node);
  Node& gemm = expansion.AddNode("Gemm", {node.input(0), node.input(1), node.input(2)}, 1);
  CopyAttributes(node, gemm);
  BecomeActivation(expansion, node, activation, *gemm.output(0));
  return OkStatus();
}

Status UpgradeGemmFastGelu(Node& node) {
  Expansion expansion(node);
  Value* x = &expansion.Add("MatMul", {node.input(0), node.input(1)});
  if (node.input(2) != nullptr) x = &expansion.Add("Add", {x, node.input(2)});
  expansion.Become("Gelu", {x});
  node.SetAttribute("approximate", std::string("tanh"));
  return OkStatus();
}

// Inputs X, W, B (optional) and Z (optional), which is added before the activation.
Status UpgradeFusedConv(Node& node) {
  const Activation activation = ReadActivation(node);
  if (!activation.name.empty()) MULLION_RETURN_IF_ERROR(CheckActivation(node, activation));
  Value* const sum = node.input(3);
  Expansion expansion(node);
  Node& conv = expansion.AddNode("Conv", {node.input(0), node.input(1), node.input(2)}, 1);
  CopyAttributes(node, conv);
  Value* x = conv.output(0);
  if (activation.name.empty()) {
    expansion.Become(sum == nullptr ? "Identity" : "Add", {x});
    if (sum != nullptr) node.AddInput(sum);
    return OkStatus();
  }
  if (sum != nullptr) x = &expansion.Add("Add", {x, sum});
  BecomeActivation(expansion, node, activation, *x);
  return OkStatus();
}

// An operand of FusedMatMul as [batch..., rows, columns]. With `batch_inside` it comes as
// [rows, batch..., columns]; with `transposed` rows and columns have changed places.
Value* Operand(Expansion& expansion, const Node& node, int i, bool transposed, bool batch_inside) {
  Value* const x = node.input(i);
  if (!transposed && !batch_inside) return x;
  if (!x->type.has_shape) {
    // Of a vector, which would stay what it is, this makes an error.
    Value& turned = expansion.Add("Einsum", {x});
    turned.producer()->SetAttribute(
        "equation", StrCat(batch_inside ? "i...j" : "...ij", transposed ? "->...ji" : "->...ij"));
    return &turned;
  }
  const int rank = x->type.shape.rank();
  if (rank < 2) return x;  // a vector stays what it is
  std::vector<int64_t> order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (batch_inside) std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  if (transposed) std::swap(order[order.size() - 1], order[order.size() - 2]);
  Node& turned = expansion.AddNode("Transpose", {x}, 1);
  turned.SetAttribute("perm", std::move(order));
  return turned.output(0);
}

Status UpgradeFusedMatMul(Node& node) {
  Activation activation = ReadActivation(node);
  if (!activation.name.empty()) MULLION_RETURN_IF_ERROR(CheckActivation(node, activation));
  Expansion expansion(node);
  const auto set = [&](const char* name) { return node.IntAttribute(name, 0) != 0; };
  Value* const a = Operand(expansion, node, 0, set("transA"), set("transBatchA"));
  Value* const b = Operand(expansion, node, 1, set("transB"), set("transBatchB"));
  const float alpha = node.FloatAttribute("alpha", 1);
  if (alpha == 1 && activation.name.empty()) {
    expansion.Become("MatMul", {a, b});
    return OkStatus();
  }
  Value* product = &expansion.Add("MatMul", {a, b});
  Value* const factor = alpha == 1 ? nullptr : &expansion.Like(alpha, *a);
  if (activation.name.empty()) {
    expansion.Become("Mul", {product, factor});
    return OkStatus();
  }
  if (factor != nullptr) product = &expansion.Add("Mul", {product, factor});
  BecomeActivation(expansion, node, activation, *product);
  return OkStatus();
}

void Add(OperatorRegistry& registry, std::string_view name, Arity inputs,
         Status (*upgrade)(Node&)) {
  registry.Add({.name = name, .domain = "com.microsoft", .inputs = inputs, .upgrade = upgrade});
}

}  // namespace

void RegisterContribFused(OperatorRegistry& registry) {
  Add(registry, "FusedGemm", {2, 3}, UpgradeFusedGemm);
  Add(registry, "GemmFastGelu", {2, 3}, UpgradeGemmFastGelu);
  Add(registry, "FusedConv", {2, 4}, UpgradeFusedConv);
  Add(registry, "FusedMatMul", {2, 2}, UpgradeFusedMatMul);
  Add(registry, "FusedMatMulActivation", {2, 2}, UpgradeFusedMatMul);
  Add(registry, "TransposeMatMul", {2, 2}, UpgradeFusedMatMul);
}

}  // namespace mullion::operators
