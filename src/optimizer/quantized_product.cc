// SPDX-License-Identifier: MIT
#include "optimizer/quantized_product.h"

#include <cmath>
#include <limits>
#include <vector>

#include "operators/quantized_input.h"
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

// The tensor of zero points that goes with weights.
Tensor ZeroOf(ElementType type) {
  return type == ElementType::kInt8 ? Tensor::Scalar(int8_t{0}) : Tensor::Scalar(uint8_t{0});
}

// x, its scale and zero point; weights and theirs; scale and zero point of the result.
void AddOperands(Graph& graph, const QuantizedValue& input, const QuantizedWeights& weights,
                 const QuantizedValue& result, Node& node) {
  node.AddInput(input.bytes);
  AddParameters(graph, input, node);
  node.AddInput(&graph.AddConstant("weights", weights.values));
  node.AddInput(&graph.AddConstant("scales", weights.one_scale
                                                 ? Tensor::Scalar(weights.scales[0])
                                                 : Tensor::Vector<float>(weights.scales)));
  node.AddInput(&graph.AddConstant("zero_point", ZeroOf(weights.values.type())));
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
  AddOperands(graph, *input, *quantized, result, node);
  if (bias.has_value()) node.AddInput(&graph.AddConstant("bias", *bias));
  return &node;
}

Node* MakeMatrixProduct(Graph& graph, const Node& product, const QuantizedValue& result) {
  if (product.input_count() > 2 || product.HasAttribute("fused_activation")) return nullptr;
  const auto input = DequantizedFrom(product.input(0));
  const Value* const right = product.input(1);
  if (!input.has_value() || !right->type.has_shape) return nullptr;
  const Shape& shape = right->type.shape;
  std::optional<QuantizedWeights> weights;
  if (shape.rank() == 2) {
    weights = QuantizedWeights::Of(right, operators::kQuantizedBytes, /*axis=*/1, shape[1]);
  }
  // As the products of attention are, and weights around another zero point.
  const auto operand = DequantizedOperand(right);
  if (!weights.has_value() && !operand.has_value()) return nullptr;
  Node& node = graph.AddBareNode("", "QLinearMatMul", 10, &product);
  node.origin = product.origin;
  if (weights.has_value()) {
    AddOperands(graph, *input, *weights, result, node);
    return &node;
  }
  for (const QuantizedValue& value : {*input, *operand}) {
    node.AddInput(value.bytes);
    AddParameters(graph, value, node);
  }
  AddParameters(graph, result, node);
  return &node;
}

}  // namespace

Node* MakeQuantizedProduct(Graph& graph, const Node& product, const QuantizedValue& result) {
  if (Is(product, "Conv")) return MakeConvolution(graph, product, result);
  if (Is(product, "MatMul")) return MakeMatrixProduct(graph, product, result);
  return nullptr;
}

}  // namespace mullion::optimizer
