// SPDX-License-Identifier: MIT
// com.microsoft's operators that a few of ai.onnx's say as well.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// (number - zero) * scale for weights of [directions, inputs, 4 * hidden] with a scale for each
// direction or each column of it, turned into LSTM's [directions, 4 * hidden, inputs].
Result<Value*> LstmWeights(Expansion& expansion, const Node& node, int weights, int scale) {
  const TypeInfo& type = node.input(scale)->type;
  if (!type.has_shape) {
    return node.Error(StatusCode::kUnsupported, "the rank of input ", scale, " must be known");
  }
  Value& axes = type.shape.rank() == 1 ? expansion.Ints({1, 2}) : expansion.Ints({1});
  Value* numbers = &expansion.Cast(*node.input(weights), ElementType::kFloat);
  if (Value* const zero = node.input(scale + 1); zero != nullptr) {
    Value& wide = expansion.Add("Unsqueeze", {&expansion.Cast(*zero, ElementType::kFloat), &axes});
    numbers = &expansion.Add("Sub", {numbers, &wide});
  }
  Value& scaled =
      expansion.Add("Mul", {numbers, &expansion.Add("Unsqueeze", {node.input(scale), &axes})});
  Node& turned = expansion.AddNode("Transpose", {&scaled}, 1);
  turned.SetAttribute("perm", std::vector<int64_t>{0, 2, 1});
  return turned.output(0);
}

// Inputs as LSTM's, then scale and zero point of W and of R. It is computed in float, without
// quantizing what flows.
Status UpgradeDynamicQuantizeLstm(Node& node) {
  Expansion expansion(node);
  MULLION_ASSIGN_OR_RETURN(Value* const w, LstmWeights(expansion, node, 1, 8));
  MULLION_ASSIGN_OR_RETURN(Value* const r, LstmWeights(expansion, node, 2, 10));
  node.SetInput(1, w);
  node.SetInput(2, r);
  node.ResizeInputs(8);
  node.SetOperator("", "LSTM", 14);
  return OkStatus();
}

// data + bias + skip.
Status UpgradeBiasAdd(Node& node) {
  Expansion expansion(node);
  Value& sum = expansion.Add("Add", {node.input(0), node.input(1)});
  expansion.Become("Add", {&sum, node.input(2)});
  return OkStatus();
}

Status UpgradeExpandDims(Node& node) {
  Expansion expansion(node);
  Value& axis = expansion.Cast(*node.input(1), ElementType::kInt64);
  expansion.Become("Unsqueeze",
                   {node.input(0), &expansion.Add("Reshape", {&axis, &expansion.Ints({1})})});
  return OkStatus();
}

// Distances between the rows of two matrices: |a|^2 - 2 a b + |b|^2, of which a product of matrices
// is most of the work. What rounding leaves below zero is zero.
Status UpgradeCDist(Node& node) {
  const bool squared = node.StringAttribute("metric", "sqeuclidean") == "sqeuclidean";
  Expansion expansion(node);
  Value* const a = node.input(0);
  Value* const b = node.input(1);
  Value& a_squares = expansion.Add("ReduceSumSquare", {a, &expansion.Ints({1})});
  Value& b_squares = expansion.Add("ReduceSumSquare", {b, &expansion.Ints({1})});
  Value& b_row = expansion.Add("Transpose", {&b_squares});
  Value& product = expansion.Add("Gemm", {a, b, &b_row});
  product.producer()->SetAttribute("transB", int64_t{1});
  product.producer()->SetAttribute("alpha", -2.0f);
  Value& sum = expansion.Add("Add", {&product, &a_squares});
  if (squared) {
    expansion.Become("Relu", {&sum});
  } else {
    expansion.Become("Sqrt", {&expansion.Add("Relu", {&sum})});
  }
  return OkStatus();
}

// (A - A's zero) * (B - B's zero) in int32.
Status UpgradeMulInteger(Node& node) {
  Expansion expansion(node);
  Value& a = expansion.Shifted(*node.input(0), node.input(1), ElementType::kInt32);
  Value& b = expansion.Shifted(*node.input(2), node.input(3), ElementType::kInt32);
  expansion.Become("Mul", {&a, &b});
  return OkStatus();
}

Status UpgradeReduceSumInteger(Node& node) {
  const auto span = node.IntsAttribute("axes");
  const std::vector<int64_t> axes(span.begin(), span.end());
  const int64_t keep = node.IntAttribute("keepdims", 1);
  const bool is_signed = node.input(0)->type.element_type == ElementType::kInt8;
  Expansion expansion(node);
  Value& wide =
      expansion.Cast(*node.input(0), is_signed ? ElementType::kInt32 : ElementType::kUint32);
  Value& list = expansion.Ints(axes);
  expansion.Become("ReduceSum", {&wide, &list});
  node.SetAttribute("keepdims", keep);
  return OkStatus();
}

void Add(OperatorRegistry& registry, std::string_view name, Arity inputs, Arity outputs,
         Status (*upgrade)(Node&), uint32_t optional = 0) {
  registry.Add({.name = name,
                .domain = "com.microsoft",
                .inputs = inputs,
                .outputs = outputs,
                .optional = optional,
                .upgrade = upgrade});
}

}  // namespace

void RegisterContribPlain(OperatorRegistry& registry) {
  Add(registry, "DynamicQuantizeLSTM", {12, 12}, {0, 3}, UpgradeDynamicQuantizeLstm,
      0b101011111000);
  Add(registry, "BiasAdd", {3, 3}, {1, 1}, UpgradeBiasAdd);
  Add(registry, "ExpandDims", {2, 2}, {1, 1}, UpgradeExpandDims);
  Add(registry, "CDist", {2, 2}, {1, 1}, UpgradeCDist);
  Add(registry, "MulInteger", {3, 4}, {1, 1}, UpgradeMulInteger, 0b10);
  Add(registry, "ReduceSumInteger", {1, 1}, {1, 1}, UpgradeReduceSumInteger);
}

}  // namespace mullion::operators
