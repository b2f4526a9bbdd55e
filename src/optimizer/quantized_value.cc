// SPDX-License-Identifier: MIT
#include "optimizer/quantized_value.h"

#include <algorithm>

#include "operators/quantized_input.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

int ByteOf(const Tensor& tensor) {
  return tensor.type() == ElementType::kInt8 ? tensor.span<int8_t>()[0] : tensor.span<uint8_t>()[0];
}

// Scale and zero point of inputs 1 and 2, of bytes of `type`.
std::optional<QuantizedValue> ParametersOf(const Node& node, ElementType type) {
  const auto scale = ScalarOf(node.input(1));
  const Value* const zero = node.input(2);
  if (!scale.has_value() || node.HasAttribute("block_size") ||
      !Contains(operators::kQuantizedBytes, type)) {
    return std::nullopt;
  }
  QuantizedValue quantized;
  quantized.scale = *scale;
  quantized.type = type;
  if (zero != nullptr) {
    if (!zero->IsConstant() || zero->constant.count() != 1 || zero->constant.type() != type) {
      return std::nullopt;
    }
    quantized.zero_point = ByteOf(zero->constant);
  }
  return quantized;
}

bool AreZero(const Tensor& tensor) {
  const auto bytes = tensor.view();
  const auto* const data = static_cast<const uint8_t*>(bytes.data);
  return std::all_of(data, data + bytes.bytes(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

std::optional<QuantizedValue> DequantizedOperand(const Value* value) {
  const Node* const node = ProducerOf(value, "DequantizeLinear");
  if (node == nullptr || !IsFloat(value)) return std::nullopt;
  auto quantized = ParametersOf(*node, node->input(0)->type.element_type);
  if (quantized.has_value()) quantized->bytes = node->input(0);
  return quantized;
}

std::optional<QuantizedValue> DequantizedFrom(const Value* value) {
  auto quantized = DequantizedOperand(value);
  return quantized.has_value() && !quantized->bytes->IsConstant() ? quantized : std::nullopt;
}

std::optional<QuantizedValue> QuantizedBy(const Node& quantize) {
  if (!Is(quantize, "QuantizeLinear") || !IsFloat(quantize.input(0))) return std::nullopt;
  auto quantized = ParametersOf(quantize, quantize.output(0)->type.element_type);
  if (quantized.has_value()) quantized->bytes = quantize.output(0);
  return quantized;
}

void AddParameters(Graph& graph, const QuantizedValue& parameters, Node& node) {
  node.AddInput(&graph.AddConstant("scale", Tensor::Scalar(parameters.scale)));
  node.AddInput(&graph.AddConstant(
      "zero_point", parameters.type == ElementType::kInt8
                        ? Tensor::Scalar(static_cast<int8_t>(parameters.zero_point))
                        : Tensor::Scalar(static_cast<uint8_t>(parameters.zero_point))));
}

Value& AddDequantize(Graph& graph, const QuantizedValue& value, const Node& before) {
  Node& node = graph.AddBareNode("", "DequantizeLinear", kQuantizingOpset, &before);
  node.origin = before.origin;
  node.AddInput(value.bytes);
  AddParameters(graph, value, node);
  TypeInfo type = value.bytes->type;
  type.element_type = ElementType::kFloat;
  Value& result = graph.AddValue(value.bytes->name(), type);
  node.SetOutput(0, &result);
  return result;
}

std::optional<QuantizedWeights> QuantizedWeights::Of(const Value* value, ElementTypeSet types,
                                                     int axis, int64_t count) {
  const Node* const node = ProducerOf(value, "DequantizeLinear");
  if (node == nullptr || !IsFloat(value) || node->HasAttribute("block_size")) return std::nullopt;
  const Value* const bytes = node->input(0);
  const Value* const zeros = node->input(2);
  if (!bytes->IsConstant() || !Contains(types, bytes->constant.type()) ||
      !IsConstantFloat(node->input(1)) ||
      (zeros != nullptr && (!zeros->IsConstant() || !AreZero(zeros->constant)))) {
    return std::nullopt;
  }
  const auto scales = node->input(1)->constant.span<float>();
  const int rank = bytes->constant.shape().rank();
  int64_t scale_axis = node->IntAttribute("axis", 1);
  if (scale_axis < 0) scale_axis += rank;
  const bool each = static_cast<int64_t>(scales.size()) == count && scale_axis == axis;
  if (scales.size() != 1 && !each) return std::nullopt;
  QuantizedWeights weights;
  weights.values = bytes->constant;
  weights.one_scale = scales.size() == 1;
  weights.scales.assign(scales.begin(), scales.end());
  weights.scales.resize(static_cast<size_t>(count), scales[0]);
  return weights;
}

}  // namespace mullion::optimizer
