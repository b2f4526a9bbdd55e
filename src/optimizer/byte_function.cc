// SPDX-License-Identifier: MIT
#include "optimizer/byte_function.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include "operators/elementwise_op.h"
#include "optimizer/pattern.h"
#include "optimizer/quantized_value.h"

namespace mullion::optimizer {

namespace {

// Nodes of one function: more than exporters write, and a bound on the time spent.
constexpr int kMostNodes = 64;

Tensor EveryByte(ElementType type) {
  std::vector<uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  const Tensor tensor = Tensor::Vector<uint8_t>(bytes);
  return Tensor::Wrap(type, tensor.shape(), tensor.data(), tensor.owner());
}

// One number for all elements, that leaves the other operand's shape as it is.
bool IsOneNumber(const Value& value, const Value& argument) {
  if (!value.IsConstant() || value.constant.count() != 1) return false;
  const int rank = value.constant.shape().rank();
  return rank == 0 || (argument.type.has_shape && rank <= argument.type.shape.rank());
}

}  // namespace

// One attempt: follows a result back to the bytes it comes from, and evaluates on the way.
class ByteFunctions::Walk {
 public:
  explicit Walk(ByteFunctions& functions) : functions_(functions) {}

  Value* argument() const { return argument_; }

  // The 256 values, or nothing when the value is no function of the one argument.
  std::optional<Tensor> ValuesOf(const Value& value) {
    const auto found = values_.find(&value);
    if (found != values_.end()) return found->second;
    std::optional<Tensor> tensor = Compute(value);
    if (tensor.has_value()) values_.emplace(&value, *tensor);
    return tensor;
  }

 private:
  std::optional<Tensor> Compute(const Value& value) {
    Node* const node = value.producer();
    if (node == nullptr || ++nodes_ > kMostNodes) return std::nullopt;
    if (Is(*node, "DequantizeLinear")) {
      if (!DequantizedFrom(&value).has_value()) return std::nullopt;
      return Evaluate(*node, BytesOf(*node->input(0)));
    }
    if (Is(*node, "QuantizeLinear")) {
      if (!QuantizedBy(*node).has_value()) return std::nullopt;
      return Evaluate(*node, ValuesOf(*node->input(0)));
    }
    if (!operators::ElementwiseStepOf(*node).has_value() || !IsFloat(&value)) return std::nullopt;
    return Evaluate(*node, std::nullopt);
  }

  // Where the walk ends: the argument itself, or what is known to be a function of it.
  std::optional<Tensor> BytesOf(Value& bytes) {
    const auto known = functions_.known_.find(&bytes);
    Value* const argument = known == functions_.known_.end() ? &bytes : known->second.argument;
    if (argument_ != nullptr && argument_ != argument) return std::nullopt;
    argument_ = argument;
    return known == functions_.known_.end() ? EveryByte(bytes.type.element_type)
                                            : known->second.table;
  }

  // With `first` given, input 0 has these values and the others are constant; else all inputs are
  // walked to.
  std::optional<Tensor> Evaluate(const Node& node, const std::optional<Tensor>& first) {
    std::vector<Tensor> inputs;
    std::vector<const Value*> numbers;
    const bool quantizing = !operators::ElementwiseStepOf(node).has_value();
    if (quantizing && !first.has_value()) return std::nullopt;
    for (int i = 0; i < node.input_count(); ++i) {
      const Value* const input = node.input(i);
      if (input == nullptr) {
        inputs.emplace_back();
      } else if (i == 0 && first.has_value()) {
        inputs.push_back(*first);
      } else if (input->IsConstant()) {
        inputs.push_back(input->constant);
        numbers.push_back(input);
      } else {
        const std::optional<Tensor> values = ValuesOf(*input);
        if (!values.has_value()) return std::nullopt;
        inputs.push_back(*values);
      }
    }
    if (argument_ == nullptr) return std::nullopt;
    for (const Value* const number : numbers) {
      if (!IsOneNumber(*number, *argument_)) return std::nullopt;
    }
    const Result<std::vector<Tensor>> outputs = functions_.evaluator_.Evaluate(node, inputs);
    if (!outputs.ok() || outputs->empty() || (*outputs)[0].count() != 256) return std::nullopt;
    return (*outputs)[0].Reshaped(Shape{256});
  }

  ByteFunctions& functions_;
  Value* argument_ = nullptr;
  int nodes_ = 0;
  std::unordered_map<const Value*, Tensor> values_;
};

std::optional<ByteFunction> ByteFunctions::Of(const Value& result) {
  Walk walk(*this);
  const std::optional<Tensor> table = walk.ValuesOf(result);
  if (!table.has_value()) return std::nullopt;
  return ByteFunction{walk.argument(), *table};
}

}  // namespace mullion::optimizer
