// SPDX-License-Identifier: MIT
#include "optimizer/quantized_product.h"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "operators/quantized_input.h"
#include "operators/registry.h"
#include "operators/rescaled_matmul.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// A bias in units of input scale times weight scale. Stored as such it is taken as it is; from
// other numbers it is rounded, unless that would lose the range.
std::optional<Tensor> BiasOf(const Value& bias, float scale, const std::vector<float>& scales) {
  const auto channels = static_cast<int64_t>(scales.size());
  const auto stored = QuantizedWeights::Of(&bias, SetOf(ElementType::kInt32), /*axis=*/0, channels);
  if (!stored.has_value() && (!IsConstantFloat(&bias) || bias.constant.count() != channels)) {
    return std::nullopt;
  }
  std::vector<int32_t> values;
  for (size_t i = 0; i < scales.size(); ++i) {
    const double unit = static_cast<double>(scale) * scales[i];
    if (stored.has_value() && stored->scales[i] == scale * scales[i]) {
      values.push_back(stored->values.span<int32_t>()[i]);
      continue;
    }
    const double number =
        stored.has_value()
            ? static_cast<double>(stored->values.span<int32_t>()[i]) * stored->scales[i]
            : bias.constant.span<float>()[i];
    const double rounded = std::nearbyint(number / unit);
    if (!(std::abs(rounded) <= double{std::numeric_limits<int32_t>::max()} / 2))
      return std::nullopt;
    values.push_back(static_cast<int32_t>(rounded));
  }
  return Tensor::Vector<int32_t>(values);
}

Value& ZeroOf(Graph& graph, ElementType type, int zero_point) {
  return graph.AddConstant("zero_point", type == ElementType::kInt8
                                             ? Tensor::Scalar(static_cast<int8_t>(zero_point))
                                             : Tensor::Scalar(static_cast<uint8_t>(zero_point)));
}

// x, its scale and zero point; weights and theirs; scale and zero point of the result.
void AddOperands(Graph& graph, const QuantizedValue& input, const QuantizedWeights& weights,
                 int weights_zero, const QuantizedValue& result, Node& node) {
  node.AddInput(input.bytes);
  AddParameters(graph, input, node);
  node.AddInput(&graph.AddConstant("weights", weights.values));
  node.AddInput(&graph.AddConstant("scales", weights.one_scale
                                                 ? Tensor::Scalar(weights.scales[0])
                                                 : Tensor::Vector<float>(weights.scales)));
  node.AddInput(&ZeroOf(graph, weights.values.type(), weights_zero));
  AddParameters(graph, result, node);
}

Node* MakeConvolution(Graph& graph, const Node& product, const QuantizedValue& result) {
  if (product.input_count() > 3 || product.HasAttribute("fused_activation")) return nullptr;
  const auto input = DequantizedFrom(product.input(0));
  const Value* const weights = product.input(1);
  if (!input.has_value() || !weights->type.has_shape) return nullptr;
  const auto quantized =
      QuantizedWeights::Of(weights, operators::kQuantizedBytes, /*axis=*/0, weights->type.shape[0]);
  if (!quantized.has_value()) return nullptr;
  std::optional<Tensor> bias;
  if (product.input(2) != nullptr) {
    bias = BiasOf(*product.input(2), input->scale, quantized->scales);
    if (!bias.has_value()) return nullptr;
  }
  Node& node = graph.AddBareNode("", "QLinearConv", 10, &product);
  node.origin = product.origin;
  for (const Attribute& attribute : product.attributes()) {
    node.SetAttribute(attribute.name, attribute.value);
  }
  AddOperands(graph, *input, *quantized, /*weights_zero=*/0, result, node);
  if (bias.has_value()) node.AddInput(&graph.AddConstant("bias", *bias));
  return &node;
}

Tensor Transposed(const Tensor& bytes) {
  const int64_t rows = bytes.shape()[0];
  const int64_t columns = bytes.shape()[1];
  const auto* const from = static_cast<const uint8_t*>(bytes.data());
  std::vector<uint8_t> turned(static_cast<size_t>(rows * columns));
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      turned[static_cast<size_t>(c * rows + r)] = from[r * columns + c];
    }
  }
  if (bytes.type() == ElementType::kUint8) {
    return Tensor::FromSpan<uint8_t>({columns, rows}, std::span<const uint8_t>(turned));
  }
  const std::vector<int8_t> signed_bytes(turned.begin(), turned.end());
  return Tensor::FromSpan<int8_t>({columns, rows}, std::span<const int8_t>(signed_bytes));
}

// The operands of a MatMul, or of a Gemm that is one with a bias.
struct MatrixOperands {
  QuantizedValue input;
  std::optional<QuantizedWeights> weights;  // a constant matrix, around this zero point
  int weights_zero = 0;
  const Value* bias = nullptr;
};

std::optional<MatrixOperands> MatrixOperandsOf(const Node& product) {
  const bool is_gemm = Is(product, "Gemm");
  if ((!is_gemm && !Is(product, "MatMul")) || product.HasAttribute("fused_activation") ||
      product.input_count() > (is_gemm ? 3 : 2)) {
    return std::nullopt;
  }
  const bool turned = is_gemm && product.IntAttribute("transB", 0) != 0;
  if (is_gemm &&
      (product.IntAttribute("transA", 0) != 0 || product.FloatAttribute("alpha", 1) != 1 ||
       product.FloatAttribute("beta", 1) != 1)) {
    return std::nullopt;
  }
  const auto input = DequantizedFrom(product.input(0));
  const Value* const right = product.input(1);
  if (!input.has_value() || !right->type.has_shape) return std::nullopt;
  MatrixOperands operands;
  operands.input = *input;
  operands.bias = is_gemm ? product.input(2) : nullptr;
  const Shape& shape = right->type.shape;
  if (shape.rank() == 2) {
    const int axis = turned ? 0 : 1;
    operands.weights = QuantizedWeights::Of(right, operators::kQuantizedBytes, axis, shape[axis]);
    const auto around = DequantizedOperand(right);
    if (!operands.weights.has_value() && around.has_value() && around->bytes->IsConstant()) {
      const std::vector<float> scales(static_cast<size_t>(shape[axis]), around->scale);
      operands.weights = {around->bytes->constant, scales, true};
      operands.weights_zero = around->zero_point;
    }
    if (turned && operands.weights.has_value()) {
      operands.weights->values = Transposed(operands.weights->values);
    }
  }
  if (is_gemm && !operands.weights.has_value()) return std::nullopt;
  return operands;
}

Node* MakeMatrixProduct(Graph& graph, const Node& product, const Value* bias,
                        const QuantizedValue& result) {
  const auto operands = MatrixOperandsOf(product);
  if (!operands.has_value()) return nullptr;
  const auto& weights = operands->weights;
  if (bias == nullptr) bias = operands->bias;
  // As the products of attention are, and stacked weights.
  const auto operand = DequantizedOperand(product.input(1));
  if (!weights.has_value() && (!operand.has_value() || bias != nullptr)) return nullptr;
  std::optional<Tensor> addends;
  if (bias != nullptr) {
    addends = BiasOf(*bias, operands->input.scale, weights->scales);
    if (!addends.has_value()) return nullptr;
  }
  Node& node = bias == nullptr ? graph.AddBareNode("", "QLinearMatMul", 10, &product)
                               : graph.AddBareNode(operators::kInternalDomain,
                                                   operators::kRescaledMatMul, 1, &product);
  node.origin = product.origin;
  if (weights.has_value()) {
    AddOperands(graph, operands->input, *weights, operands->weights_zero, result, node);
    if (addends.has_value()) node.AddInput(&graph.AddConstant("bias", *addends));
    return &node;
  }
  for (const QuantizedValue& value : {operands->input, *operand}) {
    node.AddInput(value.bytes);
    AddParameters(graph, value, node);
  }
  AddParameters(graph, result, node);
  return &node;
}

// One number for each column, from floats or as a bias is stored.
std::optional<Tensor> FloatBiasOf(const Value& bias, int64_t columns) {
  const auto stored = QuantizedWeights::Of(&bias, SetOf(ElementType::kInt32), /*axis=*/0, columns);
  if (!stored.has_value()) {
    if (!IsConstantFloat(&bias) || bias.constant.count() != columns) return std::nullopt;
    return Tensor::FromSpan<float>({columns}, bias.constant.span<float>());
  }
  std::vector<float> values;
  for (size_t i = 0; i < stored->scales.size(); ++i) {
    values.push_back(static_cast<float>(stored->values.span<int32_t>()[i]) * stored->scales[i]);
  }
  return Tensor::Vector<float>(values);
}

}  // namespace

Node* MakeQuantizedProduct(Graph& graph, const Node& product, const Value* bias,
                           const QuantizedValue& result) {
  if (Is(product, "Conv")) return MakeConvolution(graph, product, result);
  return MakeMatrixProduct(graph, product, bias, result);
}

Node* MakeFloatProduct(Graph& graph, const Node& product) {
  const auto operands = MatrixOperandsOf(product);
  if (!operands.has_value() || !operands->weights.has_value()) return nullptr;
  const QuantizedWeights& weights = *operands->weights;
  std::optional<Tensor> bias;
  if (operands->bias != nullptr) {
    bias = FloatBiasOf(*operands->bias, static_cast<int64_t>(weights.scales.size()));
    if (!bias.has_value()) return nullptr;
  }
  Node& node = graph.AddBareNode(operators::kInternalDomain, "MatMulIntegerToFloat", 1, &product);
  node.origin = product.origin;
  // A, B, their scales, their zero points
  node.SetInput(0, operands->input.bytes);
  node.SetInput(1, &graph.AddConstant("weights", weights.values));
  node.SetInput(2, product.input(0)->producer()->input(1));
  node.SetInput(
      3, &graph.AddConstant("scales", weights.one_scale ? Tensor::Scalar(weights.scales[0])
                                                        : Tensor::Vector<float>(weights.scales)));
  node.SetInput(4, product.input(0)->producer()->input(2));
  node.SetInput(5, &ZeroOf(graph, weights.values.type(), operands->weights_zero));
  if (bias.has_value()) node.SetInput(6, &graph.AddConstant("bias", *bias));
  return &node;
}

}  // namespace mullion::optimizer
