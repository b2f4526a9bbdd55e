// SPDX-License-Identifier: MIT
#include "tools/model_counts.h"

namespace mullion::tools {

namespace {

const Shape* ConcreteShape(const Value* value) {
  if (value == nullptr || !value->type.has_shape || !value->type.shape.IsConcrete()) {
    return nullptr;
  }
  return &value->type.shape;
}

// One multiply-accumulate per output element and weight of its channel: [M, C/group, kernel...].
int64_t ConvolutionMacs(const Node& node, int weights) {
  const Shape* const out = ConcreteShape(node.output(0));
  const Shape* const filter = ConcreteShape(node.input(weights));
  if (out == nullptr || filter == nullptr || filter->rank() < 3) return 0;
  return out->ElementCount() * filter->Product(1, filter->rank());
}

// Every input pixel meets all weights of its channel: [C, M/group, kernel...].
int64_t TransposedMacs(const Node& node) {
  const Shape* const in = ConcreteShape(node.input(0));
  const Shape* const filter = ConcreteShape(node.input(1));
  if (in == nullptr || filter == nullptr || filter->rank() < 3) return 0;
  return in->ElementCount() * filter->Product(1, filter->rank());
}

int64_t ProductMacs(const Node& node) {
  const Shape* const out = ConcreteShape(node.output(0));
  const Shape* const left = ConcreteShape(node.input(0));
  if (out == nullptr || left == nullptr || left->rank() < 1) return 0;
  const bool transposed = node.operator_name() == "Gemm" && node.IntAttribute("transA", 0) != 0;
  return out->ElementCount() * (transposed ? (*left)[0] : left->Back(0));
}

// X [steps, batch, inputs], W [directions, gates * hidden, inputs], R [directions, gates * hidden,
// hidden].
int64_t RecurrentMacs(const Node& node) {
  const Shape* const x = ConcreteShape(node.input(0));
  const Shape* const w = ConcreteShape(node.input(1));
  const Shape* const r = ConcreteShape(node.input(2));
  if (x == nullptr || w == nullptr || r == nullptr || x->rank() != 3) return 0;
  return (*x)[0] * (*x)[1] * (w->ElementCount() + r->ElementCount());
}

int64_t NodeMacs(const Node& node) {
  const std::string& name = node.operator_name();
  if (!node.domain().empty()) return 0;
  if (name == "Conv" || name == "ConvInteger") return ConvolutionMacs(node, 1);
  if (name == "QLinearConv") return ConvolutionMacs(node, 3);
  if (name == "ConvTranspose") return TransposedMacs(node);
  if (name == "MatMul" || name == "Gemm" || name == "MatMulInteger" || name == "QLinearMatMul") {
    return ProductMacs(node);
  }
  if (name == "LSTM" || name == "GRU" || name == "RNN") return RecurrentMacs(node);
  return 0;
}

void Count(const Graph& graph, ModelCounts& counts) {
  for (const Value& value : graph.values()) {
    if (value.IsConstant()) counts.parameters += value.constant.count();
  }
  for (const auto& node : graph.nodes()) {
    const std::string& domain = node->domain();
    ++counts.operators[domain.empty() ? node->operator_name()
                                      : domain + "::" + node->operator_name()];
    for (const Graph* const subgraph : node->Subgraphs()) Count(*subgraph, counts);
  }
}

}  // namespace

ModelCounts CountOperators(const Graph& graph) {
  ModelCounts counts;
  Count(graph, counts);
  return counts;
}

int64_t CountMacs(const Graph& graph) {
  int64_t macs = 0;
  for (const auto& node : graph.nodes()) macs += NodeMacs(*node);
  return macs;
}

}  // namespace mullion::tools
