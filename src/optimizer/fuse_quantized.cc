// SPDX-License-Identifier: MIT
#include "optimizer/fuse_quantized.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "operators/byte_table.h"
#include "optimizer/byte_function.h"
#include "optimizer/infer_graph.h"
#include "optimizer/pattern.h"
#include "optimizer/quantized_product.h"
#include "optimizer/quantized_value.h"
#include "optimizer/remove_dead_code.h"
#include "optimizer/rescale_product.h"

namespace mullion::optimizer {

namespace {

// Operators that give out elements of input 0 as they are; Concat takes all its inputs.
constexpr auto kMoving = std::to_array<std::string_view>({
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "MaxPool",
    "Reshape",
    "Resize",
    "Slice",
    "SpaceToDepth",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
});

bool OnlyMoves(const Node& node) {
  if (!node.domain().empty() ||
      !std::binary_search(kMoving.begin(), kMoving.end(), node.operator_name())) {
    return false;
  }
  if (Is(node, "MaxPool")) return node.output(1) == nullptr;
  if (Is(node, "Resize")) {
    // Cropping fills in a number of its own.
    return node.StringAttribute("mode", "nearest") == "nearest" &&
           node.StringAttribute("coordinate_transformation_mode", "") != "tf_crop_and_resize";
  }
  return true;
}

class QuantizedFusion {
 public:
  QuantizedFusion(Graph& graph, const OperatorRegistry& registry, const Capabilities& capabilities,
                  Evaluator& evaluator)
      : graph_(graph), registry_(registry), capabilities_(capabilities), functions_(evaluator) {}

  bool Run() {
    bool changed = false;
    for (auto place = graph_.nodes().begin(); place != graph_.nodes().end();) {
      Node& node = **place;
      ++place;
      const auto result = QuantizedBy(node);
      if (!result.has_value()) continue;
      // Both leave a function of bytes behind; x * f(x) is one, too, and no product of two tensors.
      changed |= FuseMovement(node, *result) || FuseProduct(node, *result);
      changed |= FuseFunction(node) || FuseRescaling(node, *result) || FuseBinary(node, *result) ||
                 FusePool(node, *result);
    }
    RemoveDeadCode(graph_);
    for (auto place = graph_.nodes().begin(); place != graph_.nodes().end();) {
      Node& node = **place;
      ++place;
      changed |= FuseFloatProduct(node);
    }
    return changed;
  }

 private:
  // The float node before a QuantizeLinear, if that alone reads it.
  Node* OwnProducer(const Node& quantize) const {
    const Value& value = *quantize.input(0);
    Node* const node = value.producer();
    if (node == nullptr || &node->graph() != &graph_ || !HasOneReader(value)) return nullptr;
    return node;
  }

  // ---- functions of one byte -------------------------------------------------------------------

  bool FuseFunction(Node& quantize) {
    Value& output = *quantize.output(0);
    const auto function = functions_.Of(output);
    if (!function.has_value()) return false;
    if (IsIdentity(*function) && CanBypass(quantize, *function->argument)) {
      graph_.ReplaceUses(output, *function->argument);
      graph_.Remove(quantize);
      return true;
    }
    Node& node =
        graph_.AddBareNode(operators::kInternalDomain, operators::kByteTable, 1, &quantize);
    node.origin = quantize.origin;
    node.SetAttribute(operators::kTable, function->table);
    node.AddInput(function->argument);
    if (!Accept(node, quantize)) return false;
    functions_.Remember(output, *function);
    return true;
  }

  // A graph output needs a node of this graph that writes it.
  bool CanBypass(const Node& quantize, const Value& source) const {
    if (!quantize.output(0)->IsGraphOutput()) return true;
    return &source.graph() == &graph_ && source.producer() != nullptr && !source.IsGraphOutput();
  }

  static bool IsIdentity(const ByteFunction& function) {
    if (function.table.type() != function.argument->type.element_type) return false;
    const auto* const table = static_cast<const uint8_t*>(function.table.data());
    for (int i = 0; i < 256; ++i) {
      if (table[i] != i) return false;
    }
    return true;
  }

  // ---- what moves elements ---------------------------------------------------------------------

  // What `value` was dequantized from, after moves of floats that nobody else reads became moves of
  // bytes.
  std::optional<QuantizedValue> MovedBytes(Value* value) {
    if (const auto bytes = DequantizedFrom(value); bytes.has_value()) return bytes;
    Node* const move = value == nullptr ? nullptr : value->producer();
    if (move == nullptr || &move->graph() != &graph_ || !HasOneReader(*value) ||
        !OnlyMoves(*move) || Is(*move, "Concat")) {
      return std::nullopt;
    }
    const auto input = MovedBytes(move->input(0));
    if (!input.has_value()) return std::nullopt;
    QuantizedValue moved = *input;
    if (!MoveBytes(*move, {*input}, moved)) return std::nullopt;
    graph_.ReplaceUses(*value, AddDequantize(graph_, moved, *move));
    return moved;
  }

  // Sets moved.bytes to what `move` makes of the bytes behind its first inputs.
  bool MoveBytes(const Node& move, const std::vector<QuantizedValue>& inputs,
                 QuantizedValue& moved) {
    Node& node = graph_.AddBareNode("", move.operator_name(), move.opset(), &move);
    node.origin = move.origin;
    for (const Attribute& attribute : move.attributes()) {
      node.SetAttribute(attribute.name, attribute.value);
    }
    for (int i = 0; i < move.input_count(); ++i) {
      const auto index = static_cast<size_t>(i);
      node.SetInput(i, index < inputs.size() ? inputs[index].bytes : move.input(i));
      if (index >= inputs.size() || inputs[index].HasParametersOf(moved)) continue;
      node.SetInput(i, &Requantized(*move.input(i), moved, node));
    }
    moved.bytes =
        &graph_.AddValue(move.output(0)->name(), WithElement(*move.output(0), moved.type));
    node.SetOutput(0, moved.bytes);
    return IsSound(node);
  }

  // Move(DQ(x)) becomes DQ(Move(x)); a Concat first brings all its inputs to the result's scale.
  bool FuseMovement(Node& quantize, const QuantizedValue& result) {
    Node* const move = OwnProducer(quantize);
    if (move == nullptr || !OnlyMoves(*move)) return false;
    const int count = Is(*move, "Concat") ? move->input_count() : 1;
    std::vector<QuantizedValue> inputs;
    for (int i = 0; i < count; ++i) {
      const auto input = MovedBytes(move->input(i));
      if (!input.has_value()) return false;
      inputs.push_back(*input);
    }
    QuantizedValue moved = count > 1 ? result : inputs[0];
    if (!MoveBytes(*move, inputs, moved)) return false;
    quantize.SetInput(0, &AddDequantize(graph_, moved, quantize));
    return true;
  }

  // A float value as bytes of another scale.
  Value& Requantized(Value& value, const QuantizedValue& parameters, const Node& before) {
    Node& node = graph_.AddBareNode("", "QuantizeLinear", kQuantizingOpset, &before);
    node.origin = value.producer()->origin;
    node.AddInput(&value);
    AddParameters(graph_, parameters, node);
    Value& bytes = graph_.AddValue(value.name(), WithElement(value, parameters.type));
    node.SetOutput(0, &bytes);
    FuseFunction(node);
    return bytes;
  }

  static TypeInfo WithElement(const Value& value, ElementType type) {
    TypeInfo info = value.type;
    info.element_type = type;
    return info;
  }

  // ---- products --------------------------------------------------------------------------------

  bool FuseProduct(Node& quantize, const QuantizedValue& result) {
    // A clamp between a product and its quantization may as well come after it, on bytes.
    Node* node = OwnProducer(quantize);
    Node* clamp = nullptr;
    if (node != nullptr && (Is(*node, "Relu") || Is(*node, "Clip"))) {
      clamp = node;
      node = node->input(0)->producer();
      if (node == nullptr || &node->graph() != &graph_ || !HasOneReader(*clamp->input(0)))
        return false;
    }
    if (node == nullptr) return false;
    Value& product = *node->output(0);
    const Value* bias = nullptr;
    if (Is(*node, "Add")) {
      node = ProductBefore(*node, bias);
      if (node == nullptr) return false;
    }
    MoveOperands(*node);
    Node* const made = MakeQuantizedProduct(graph_, *node, bias, result);
    if (made == nullptr) return false;
    QuantizedValue bytes = result;
    bytes.bytes = &graph_.AddValue(product.name(), WithElement(product, result.type));
    made->SetOutput(0, bytes.bytes);
    if (!IsSound(*made)) return false;
    if (clamp == nullptr) {
      quantize.SetInput(0, &AddDequantize(graph_, bytes, quantize));
    } else {
      clamp->SetInput(0, &AddDequantize(graph_, bytes, *clamp));
    }
    return true;
  }

  // The MatMul that alone makes one operand of `sum` if the other one, `bias`, is constant numbers
  // for its columns; else null.
  Node* ProductBefore(const Node& sum, const Value*& bias) const {
    for (int side = 0; side < 2; ++side) {
      const Value* const value = sum.input(side);
      bias = sum.input(1 - side);
      Node* const product = ProducerOf(value, "MatMul");
      if (product == nullptr || &product->graph() != &graph_ || !HasOneReader(*value)) continue;
      if (!IsConstantFloat(bias) || !value->type.has_shape) continue;
      const Shape& row = bias->constant.shape();
      const int rank = value->type.shape.rank();
      if (row.rank() >= 1 && row.rank() <= rank && row.Back(0) == bias->constant.count() &&
          row.Back(0) == value->type.shape.Back(0)) {
        return product;
      }
    }
    return nullptr;
  }

  // Operands of a matrix product that were moved are moved as bytes.
  void MoveOperands(const Node& product) {
    if (!Is(product, "MatMul") && !Is(product, "Gemm")) return;
    for (int i = 0; i < 2; ++i) MovedBytes(product.input(i));
  }

  // A product of bytes whose floats are wanted.
  bool FuseFloatProduct(Node& node) {
    if (!Is(node, "MatMul") && !Is(node, "Gemm")) return false;
    MoveOperands(node);
    Node* const made = MakeFloatProduct(graph_, node);
    return made != nullptr && Accept(*made, node);
  }

  bool FuseRescaling(Node& quantize, const QuantizedValue& result) {
    Node* made = MakeRescaledConv(graph_, quantize, result);
    if (made == nullptr) made = MakeRescaledMatmul(graph_, quantize, result);
    if (made == nullptr) made = MakeRescaledScores(graph_, quantize, result);
    return made != nullptr && Accept(*made, quantize);
  }

  // ---- sums and products of two tensors --------------------------------------------------------

  bool FuseBinary(Node& quantize, const QuantizedValue& result) {
    const Node* const binary = OwnProducer(quantize);
    if (binary == nullptr || (!Is(*binary, "Add") && !Is(*binary, "Mul"))) return false;
    const auto a = DequantizedOperand(binary->input(0));
    const auto b = DequantizedOperand(binary->input(1));
    if (!a.has_value() || !b.has_value() || a->type != b->type || a->type != result.type) {
      return false;
    }
    Node& node = graph_.AddBareNode("com.microsoft",
                                    Is(*binary, "Add") ? "QLinearAdd" : "QLinearMul", 1, &quantize);
    node.origin = binary->origin;
    for (const QuantizedValue& value : {*a, *b, result}) {
      if (node.input_count() < 6) node.AddInput(value.bytes);
      AddParameters(graph_, value, node);
    }
    return Accept(node, quantize);
  }

  // ---- means -----------------------------------------------------------------------------------

  bool FusePool(Node& quantize, const QuantizedValue& result) {
    const Node* const pool = OwnProducer(quantize);
    if (pool == nullptr || (!Is(*pool, "AveragePool") && !Is(*pool, "GlobalAveragePool"))) {
      return false;
    }
    const auto input = DequantizedFrom(pool->input(0));
    if (!input.has_value() || input->type != result.type) return false;
    Node& node = graph_.AddBareNode(
        "com.microsoft",
        Is(*pool, "AveragePool") ? "QLinearAveragePool" : "QLinearGlobalAveragePool", 1, &quantize);
    node.origin = pool->origin;
    for (const Attribute& attribute : pool->attributes()) {
      node.SetAttribute(attribute.name, attribute.value);
    }
    node.AddInput(input->bytes);
    AddParameters(graph_, *input, node);
    AddParameters(graph_, result, node);
    return Accept(node, quantize);
  }

  // ----------------------------------------------------------------------------------------------

  // A new node with its output takes part in the graph if it can be inferred and run; else it goes.
  bool IsSound(Node& node) {
    if (InferNodeTypes(node, registry_).ok() && capabilities_.Supports(node)) return true;
    graph_.Remove(node);
    return false;
  }

  // `node` gives out what `quantize` gave.
  bool Accept(Node& node, Node& quantize) {
    Value* const output = quantize.output(0);
    quantize.SetOutput(0, nullptr);
    node.SetOutput(0, output);
    if (InferNodeTypes(node, registry_).ok() && capabilities_.Supports(node)) {
      graph_.Remove(quantize);
      return true;
    }
    node.SetOutput(0, nullptr);
    quantize.SetOutput(0, output);
    graph_.Remove(node);
    return false;
  }

  Graph& graph_;
  const OperatorRegistry& registry_;
  const Capabilities& capabilities_;
  ByteFunctions functions_;
};

}  // namespace

bool FuseQuantized(Graph& graph, const OperatorRegistry& registry, const Capabilities& capabilities,
                   Evaluator& evaluator) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) {
      changed |= FuseQuantized(*subgraph, registry, capabilities, evaluator);
    }
  }
  return QuantizedFusion(graph, registry, capabilities, evaluator).Run() || changed;
}

}  // namespace mullion::optimizer
