// SPDX-License-Identifier: MIT
// Tensors of bytes that stand for floats, as DequantizeLinear and QuantizeLinear nodes say.
#ifndef MULLION_OPTIMIZER_QUANTIZED_VALUE_H_
#define MULLION_OPTIMIZER_QUANTIZED_VALUE_H_

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace mullion::optimizer {

// float = scale * (byte - zero_point), one pair for the whole tensor.
struct QuantizedValue {
  Value* bytes = nullptr;
  float scale = 1;
  int zero_point = 0;
  ElementType type = ElementType::kUint8;

  bool HasParametersOf(const QuantizedValue& other) const {
    return scale == other.scale && zero_point == other.zero_point && type == other.type;
  }
};

// What a float value was dequantized from, or what a QuantizeLinear node makes, if scale and zero
// point are constants for the whole tensor and its type is uint8 or int8.
std::optional<QuantizedValue> DequantizedFrom(const Value* value);
// The same, of bytes that may be constant.
std::optional<QuantizedValue> DequantizedOperand(const Value* value);
std::optional<QuantizedValue> QuantizedBy(const Node& quantize);

// The opset of the QuantizeLinear and DequantizeLinear nodes that are made.
inline constexpr int kQuantizingOpset = 13;

// Adds scale and zero point as constant inputs.
void AddParameters(Graph& graph, const QuantizedValue& parameters, Node& node);
// A new DequantizeLinear before `before`; returns its result.
Value& AddDequantize(Graph& graph, const QuantizedValue& value, const Node& before);

// Constant weights of 8 or 32 bits with a scale for all or one for each index of `axis`; zero
// points, if any, are 0.
struct QuantizedWeights {
  Tensor values;
  std::vector<float> scales;  // `count` of them
  bool one_scale;             // all of them are the same one

  static std::optional<QuantizedWeights> Of(const Value* value, ElementTypeSet types, int axis,
                                            int64_t count);
};

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_QUANTIZED_VALUE_H_
