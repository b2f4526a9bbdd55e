// SPDX-License-Identifier: MIT
#include "optimizer/fuse_dynamic_quantized.h"

#include "operators/quantized_concat.h"
#include "operators/registry.h"
#include "operators/scaled_conv.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

using namespace operators::scaled_conv;

bool HasOneElement(const Value& value) {
  return value.type.has_shape && value.type.shape.IsConcrete() &&
         value.type.shape.ElementCount() == 1;
}

// The node of this graph that makes `value` for one reader alone, if it is `name`.
Node* OwnProducer(const Graph& graph, const Value* value, std::string_view name) {
  Node* const node = ProducerOf(value, name);
  return node != nullptr && &node->graph() == &graph && HasOneReader(*value) ? node : nullptr;
}

// The factor of a product of integers: one number from run time, and with it numbers that are
// constant, one for all or one for each of `columns` along the axis that has `trailing` behind it.
struct Scales {
  Value* dynamic = nullptr;
  Value* constant = nullptr;
};

bool IsPerColumn(const Value& value, int64_t columns, int trailing) {
  const Shape& shape = value.constant.shape();
  return value.constant.count() == columns && shape.rank() > trailing &&
         shape.Back(trailing) == columns;
}

Scales ScalesOf(Value* factor, int64_t columns, int trailing) {
  if (!IsFloat(factor)) return {};
  const Node* const product = ProducerOf(factor, "Mul");
  for (int side = 0; product != nullptr && side < 2; ++side) {
    Value* const dynamic = product->input(side);
    Value* const constant = product->input(1 - side);
    if (!IsFloat(dynamic) || !HasOneElement(*dynamic) || !IsConstantFloat(constant)) continue;
    if (constant->constant.count() == 1 || IsPerColumn(*constant, columns, trailing)) {
      return {dynamic, constant};
    }
  }
  return HasOneElement(*factor) ? Scales{factor, nullptr} : Scales{};
}

// `made` gives out what `last` gave; `last` and the nodes before it go when nobody reads them.
void ReplaceByProduct(Graph& graph, Node& made, Node& last) {
  Value* const output = last.output(0);
  last.SetOutput(0, nullptr);
  made.SetOutput(0, output);
  graph.Remove(last);
}

// The scales as a vector, whatever leading and trailing ones their shape has.
Value& Flat(Graph& graph, Value& constant) {
  const int64_t count = constant.constant.count();
  return graph.AddConstant(constant.name(), constant.constant.Reshaped(Shape{count}));
}

// Mul(Cast(ConvInteger(x, w)), scales)
bool FuseConvolution(Graph& graph, Node& multiply) {
  for (int side = 0; side < 2; ++side) {
    const Node* const cast = OwnProducer(graph, multiply.input(side), "Cast");
    if (cast == nullptr || !IsFloat(cast->output(0))) continue;
    const Node* const product = OwnProducer(graph, cast->input(0), "ConvInteger");
    if (product == nullptr || !HaveSameRank(*product->output(0), *multiply.output(0))) continue;
    const Shape& shape = product->output(0)->type.shape;
    // Images that the layout pass makes channels last.
    if (shape.rank() < 3 || !product->input(kX)->type.has_shape) continue;
    const Scales scales = ScalesOf(multiply.input(1 - side), shape[1], shape.rank() - 2);
    if (scales.dynamic == nullptr) continue;
    Node& made =
        graph.AddBareNode(operators::kInternalDomain, operators::kScaledConv, 1, &multiply);
    made.origin = product->origin;
    for (const Attribute& attribute : product->attributes()) {
      made.SetAttribute(attribute.name, attribute.value);
    }
    for (int i = 0; i < product->input_count(); ++i) made.SetInput(i, product->input(i));
    made.SetInput(kXScale, scales.dynamic);
    if (scales.constant != nullptr) made.SetInput(kWScale, &Flat(graph, *scales.constant));
    ReplaceByProduct(graph, made, multiply);
    return true;
  }
  return false;
}

enum MatrixInput { kA, kB, kAScale, kBScale, kAZero, kBZero, kMatrixBias };

// Mul(Cast(MatMulInteger(a, b)), scales), and the Add of a constant row behind it.
bool FuseMatrixProduct(Graph& graph, Node& multiply) {
  for (int side = 0; side < 2; ++side) {
    const Node* const cast = OwnProducer(graph, multiply.input(side), "Cast");
    if (cast == nullptr || !IsFloat(cast->output(0))) continue;
    const Node* const product = OwnProducer(graph, cast->input(0), "MatMulInteger");
    if (product == nullptr || !HaveSameRank(*product->output(0), *multiply.output(0))) continue;
    // A left zero point for each row is not for MatMulIntegerToFloat.
    const Value* const zero = product->input(2);
    if (zero != nullptr && !HasOneElement(*zero)) continue;
    const Shape& shape = product->output(0)->type.shape;
    if (shape.rank() < 1) continue;
    const Scales scales = ScalesOf(multiply.input(1 - side), shape.Back(0), 0);
    if (scales.dynamic == nullptr) continue;
    Node& made =
        graph.AddBareNode(operators::kInternalDomain, "MatMulIntegerToFloat", 1, &multiply);
    made.origin = product->origin;
    made.SetInput(kA, product->input(0));
    made.SetInput(kB, product->input(1));
    made.SetInput(kAScale, scales.dynamic);
    made.SetInput(kBScale, scales.constant != nullptr
                               ? &Flat(graph, *scales.constant)
                               : &graph.AddConstant("one", Tensor::Scalar(1.0f)));
    if (product->input(2) != nullptr) made.SetInput(kAZero, product->input(2));
    if (product->input(3) != nullptr) made.SetInput(kBZero, product->input(3));
    ReplaceByProduct(graph, made, multiply);
    return true;
  }
  return false;
}

bool FuseMatrixBias(Graph& graph, Node& add) {
  for (int side = 0; side < 2; ++side) {
    const Value* const value = add.input(side);
    Value* const bias = add.input(1 - side);
    if (value == nullptr || !IsConstantFloat(bias) || !HasOneReader(*value)) continue;
    Node* const product = value->producer();
    if (product == nullptr || &product->graph() != &graph ||
        product->domain() != operators::kInternalDomain ||
        product->operator_name() != "MatMulIntegerToFloat" ||
        product->input(kMatrixBias) != nullptr) {
      continue;
    }
    const Shape& shape = value->type.shape;
    if (bias->constant.shape().rank() > shape.rank() || !IsPerColumn(*bias, shape.Back(0), 0)) {
      continue;
    }
    product->SetInput(kMatrixBias, &Flat(graph, *bias));
    ReplaceByProduct(graph, *product, add);
    return true;
  }
  return false;
}

bool FuseQuantization(Graph& graph, Node& quantize) {
  Value& value = *quantize.input(0);
  Node* const product = value.producer();
  if (product == nullptr || &product->graph() != &graph ||
      product->domain() != operators::kInternalDomain ||
      product->operator_name() != operators::kScaledConv || product->output(kBytes) != nullptr) {
    return false;
  }
  for (int i = 0; i < 3; ++i) {
    Value* const output = quantize.output(i);
    quantize.SetOutput(i, nullptr);
    product->SetOutput(kBytes + i, output);
  }
  graph.Remove(quantize);
  if (value.uses().empty() && !value.IsGraphOutput()) product->SetOutput(kY, nullptr);
  return true;
}

// A Concat that is only quantized gives bytes.
bool FuseConcat(Graph& graph, Node& quantize) {
  const Node* const concat = OwnProducer(graph, quantize.input(0), "Concat");
  if (concat == nullptr) return false;
  Node& made =
      graph.AddBareNode(operators::kInternalDomain, operators::kQuantizedConcat, 1, &quantize);
  made.origin = concat->origin;
  made.SetAttribute("axis", concat->IntAttribute("axis", 0));
  for (int i = 0; i < concat->input_count(); ++i) made.SetInput(i, concat->input(i));
  for (int i = 0; i < 3; ++i) {
    Value* const output = quantize.output(i);
    quantize.SetOutput(i, nullptr);
    made.SetOutput(i, output);
  }
  graph.Remove(quantize);
  return true;
}

}  // namespace

bool FuseScaledProducts(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseScaledProducts(*subgraph);
    if (Is(node, "Mul")) {
      changed |= FuseConvolution(graph, node) || FuseMatrixProduct(graph, node);
    } else if (Is(node, "Add")) {
      changed |= FuseMatrixBias(graph, node);
    }
  }
  return changed;
}

bool FuseDynamicQuantization(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseDynamicQuantization(*subgraph);
    if (!Is(node, "DynamicQuantizeLinear")) continue;
    changed |= FuseQuantization(graph, node) || FuseConcat(graph, node);
  }
  return changed;
}

}  // namespace mullion::optimizer
