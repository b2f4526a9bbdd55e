// SPDX-License-Identifier: MIT
#include "optimizer/fuse_epilogue.h"

#include <limits>
#include <optional>
#include <string>

#include "operators/epilogue.h"
#include "operators/registry.h"
#include "operators/scaled_conv.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

using operators::kFusedActivation;
using operators::kFusedAlpha;
using operators::kFusedBeta;

bool IsScaledConv(const Node& node) {
  return node.domain() == operators::kInternalDomain &&
         node.operator_name() == operators::kScaledConv;
}

bool IsConvolution(const Node& node) {
  return Is(node, "Conv") || Is(node, "ConvTranspose") || IsScaledConv(node);
}

int BiasInput(const Node& product) {
  return IsScaledConv(product) ? int{operators::scaled_conv::kBias} : operators::kBiasInput;
}

int ResidualInput(const Node& product) {
  return IsScaledConv(product) ? int{operators::scaled_conv::kResidual} : operators::kResidualInput;
}

bool IsNormalization(const Node& node) {
  return Is(node, "InstanceNormalization") || Is(node, "GroupNormalization");
}

// Products, and what ends in a scaling like them.
bool IsProduct(const Node& node) {
  return (IsConvolution(node) || IsNormalization(node) || Is(node, "MatMul") || Is(node, "Gemm")) &&
         IsFloat(node.output(0));
}

// Sum of two is Add by its older name.
bool IsAddition(const Node& node) {
  return Is(node, "Add") || (Is(node, "Sum") && node.input_count() == 2);
}

// The product that makes `value` for one reader alone and has no activation yet.
Node* OpenProduct(Graph& graph, const Value* value) {
  if (value == nullptr || value->producer() == nullptr || !HasOneReader(*value)) return nullptr;
  Node* const node = value->producer();
  if (&node->graph() != &graph || !IsProduct(*node) || node->HasAttribute(kFusedActivation)) {
    return nullptr;
  }
  return node;
}

// `product` gives out what `last` gave; `last` goes.
void Replace(Graph& graph, Node& product, Node& last) {
  Value* const output = last.output(0);
  last.SetOutput(0, nullptr);
  product.SetOutput(0, output);
  graph.Remove(last);
}

// ---- bias --------------------------------------------------------------------------------------

// The output channels of a product, if they are known.
int64_t ChannelsOf(const Node& product) {
  const TypeInfo& type = product.output(0)->type;
  if (!type.has_shape || type.shape.rank() < 1) return -1;
  if (IsConvolution(product)) return type.shape.rank() < 2 ? -1 : type.shape[1];
  return type.shape.Back(0);
}

// A constant that adds one number per channel: [C, 1, ..., 1] for images, [C] for rows, each with
// leading ones.
bool IsPerChannel(const Node& product, const Value& constant, int64_t channels) {
  const Shape& shape = constant.constant.shape();
  const int rank = product.output(0)->type.shape.rank();
  if (shape.rank() > rank || constant.constant.count() != channels || channels < 1) return false;
  const int trailing = IsConvolution(product) ? rank - 2 : 0;
  return shape.rank() > trailing && shape.Back(trailing) == channels;
}

bool FuseBias(Graph& graph, Node& add) {
  for (int side = 0; side < 2; ++side) {
    Node* const product = OpenProduct(graph, add.input(side));
    const Value* const constant = add.input(1 - side);
    if (product == nullptr || !IsConstantFloat(constant)) continue;
    // A Gemm has its C already, and scales it by beta.
    if (Is(*product, "Gemm") || product->input(BiasInput(*product)) != nullptr) continue;
    if (!IsPerChannel(*product, *constant, ChannelsOf(*product))) continue;
    Tensor bias = constant->constant.Reshaped(Shape{constant->constant.count()});
    product->SetInput(BiasInput(*product), &graph.AddConstant(constant->name(), std::move(bias)));
    Replace(graph, *product, add);
    return true;
  }
  return false;
}

// ---- residual ----------------------------------------------------------------------------------

bool FuseResidual(Graph& graph, Node& add) {
  // The second operand first: it mostly is the later one, which need not move.
  for (const int side : {1, 0}) {
    Node* const product = OpenProduct(graph, add.input(side));
    Value* const other = add.input(1 - side);
    if (product == nullptr || !IsFloat(other)) continue;
    if (product->input(ResidualInput(*product)) != nullptr || other == add.input(side) ||
        other->IsConstant() || !HaveSameShape(*product->output(0), *other)) {
      continue;
    }
    graph.MoveBefore(*product, add);  // behind the producer of the other operand
    product->SetInput(ResidualInput(*product), other);
    Replace(graph, *product, add);
    return true;
  }
  return false;
}

// ---- activation --------------------------------------------------------------------------------

struct Activation {
  std::string name;
  float alpha = 0;
  float beta = 0;
};

std::optional<Activation> ClipOf(const Node& node) {
  Activation clip{"Clip", std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
  for (int i = 1; i <= 2; ++i) {
    if (node.input(i) == nullptr) continue;
    const auto bound = ScalarOf(node.input(i));
    if (!bound.has_value()) return std::nullopt;
    (i == 1 ? clip.alpha : clip.beta) = *bound;
  }
  return clip;
}

std::optional<Activation> ActivationOf(const Node& node) {
  const std::string& name = node.operator_name();
  if (!node.domain().empty()) return std::nullopt;
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh" || name == "HardSwish") {
    return Activation{name};
  }
  if (name == "LeakyRelu") return Activation{name, node.FloatAttribute("alpha", 0.01f)};
  if (name == "Elu") return Activation{name, node.FloatAttribute("alpha", 1.0f)};
  if (name == "Swish") return Activation{name, node.FloatAttribute("alpha", 1.0f)};
  if (name == "HardSigmoid") {
    return Activation{name, node.FloatAttribute("alpha", 0.2f), node.FloatAttribute("beta", 0.5f)};
  }
  if (name == "Gelu") {
    return Activation{node.StringAttribute("approximate", "none") == "tanh" ? "GeluTanh" : "Gelu"};
  }
  if (name == "Clip") return ClipOf(node);
  return std::nullopt;
}

void SetActivation(Node& product, const Activation& activation) {
  product.SetAttribute(kFusedActivation, activation.name);
  product.SetAttribute(kFusedAlpha, activation.alpha);
  product.SetAttribute(kFusedBeta, activation.beta);
}

bool FuseActivation(Graph& graph, Node& node) {
  const auto activation = ActivationOf(node);
  if (!activation.has_value()) return false;
  Node* const product = OpenProduct(graph, node.input(0));
  if (product == nullptr) return false;
  SetActivation(*product, *activation);
  Replace(graph, *product, node);
  return true;
}

// x * sigmoid(x) and x * hardsigmoid(x, 1/6, 1/2) where x comes from a product: Swish, HardSwish.
bool FuseGatedActivation(Graph& graph, Node& multiply) {
  for (int side = 0; side < 2; ++side) {
    Value* const x = multiply.input(side);
    Value* const gated = multiply.input(1 - side);
    if (x == nullptr || gated == nullptr || gated->producer() == nullptr) continue;
    Node& gate = *gated->producer();
    const bool sigmoid = Is(gate, "Sigmoid");
    const bool hard = Is(gate, "HardSigmoid") &&
                      std::abs(gate.FloatAttribute("alpha", 0.2f) - 1.0f / 6) < 1e-6f &&
                      gate.FloatAttribute("beta", 0.5f) == 0.5f;
    if ((!sigmoid && !hard) || gate.input(0) != x || !HasOneReader(*gated)) continue;
    if (x->uses().size() != 2 || x->IsGraphOutput() || x->producer() == nullptr) continue;
    Node& product = *x->producer();
    if (&product.graph() != &graph || &gate.graph() != &graph || !IsProduct(product) ||
        product.HasAttribute(kFusedActivation)) {
      continue;
    }
    SetActivation(product, sigmoid ? Activation{"Swish", 1.0f} : Activation{"HardSwish"});
    Value* const output = multiply.output(0);
    multiply.SetOutput(0, nullptr);
    product.SetOutput(0, output);
    graph.Remove(multiply);
    graph.Remove(gate);
    return true;
  }
  return false;
}

}  // namespace

bool FuseEpilogue(Graph& graph) {
  bool changed = false;
  // Gates stand before the multiplication that removes them, so the place stays valid.
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseEpilogue(*subgraph);
    if (IsAddition(node)) {
      changed |= FuseBias(graph, node) || FuseResidual(graph, node);
    } else if (Is(node, "Mul")) {
      changed |= FuseGatedActivation(graph, node);
    } else {
      // A lone sigmoid on its way to a gate has x read twice, so it is left for the Mul.
      changed |= FuseActivation(graph, node);
    }
  }
  return changed;
}

}  // namespace mullion::optimizer
