// SPDX-License-Identifier: MIT
#include "optimizer/fuse_layer_normalization.h"

#include <optional>
#include <vector>

#include "optimizer/pattern.h"
#include "optimizer/remove_dead_code.h"

namespace mullion::optimizer {

namespace {

constexpr int kLayerNormalizationOpset = 17;
constexpr int kRootMeanSquareOpset = 23;

// What `mean` is the mean of, along the last axis, which stays as one of size 1.
Value* MeanOf(const Value* mean) {
  const Node* const node = ProducerOf(mean, "ReduceMean");
  if (node == nullptr || node->IntAttribute("keepdims", 1) == 0) return nullptr;
  Value* const x = node->input(0);
  const Value* const axes = node->input(1);
  if (!IsFloat(x) || !x->type.has_shape || axes == nullptr || !axes->IsConstant() ||
      axes->constant.count() != 1) {
    return nullptr;
  }
  const int64_t axis = axes->constant.span<int64_t>()[0];
  return axis == -1 || axis == x->type.shape.rank() - 1 ? x : nullptr;
}

// What `square` is the square of.
Value* SquaredIn(const Value* square) {
  if (const Node* const power = ProducerOf(square, "Pow")) {
    return ScalarOf(power->input(1)) == 2.0f ? power->input(0) : nullptr;
  }
  const Node* const product = ProducerOf(square, "Mul");
  return product != nullptr && product->input(0) == product->input(1) ? product->input(0) : nullptr;
}

struct Deviation {
  Value* from;  // sqrt(mean(from^2) + epsilon)
  float epsilon;
};

std::optional<Deviation> MeanSquareOf(const Value* sum) {
  const Node* const add = ProducerOf(sum, "Add");
  if (add == nullptr) return std::nullopt;
  for (int side = 0; side < 2; ++side) {
    const auto epsilon = ScalarOf(add->input(1 - side));
    const Value* const square = MeanOf(add->input(side));
    Value* const from = square == nullptr ? nullptr : SquaredIn(square);
    if (epsilon.has_value() && from != nullptr) return Deviation{from, *epsilon};
  }
  return std::nullopt;
}

std::optional<Deviation> DeviationOf(const Value* value) {
  if (const Node* const root = ProducerOf(value, "Sqrt")) return MeanSquareOf(root->input(0));
  const Node* const power = ProducerOf(value, "Pow");
  if (power == nullptr || ScalarOf(power->input(1)) != 0.5f) return std::nullopt;
  return MeanSquareOf(power->input(0));
}

// 1 / deviation.
std::optional<Deviation> InverseOf(const Value* value) {
  if (const Node* const inverse = ProducerOf(value, "Reciprocal")) {
    return DeviationOf(inverse->input(0));
  }
  if (const Node* const quotient = ProducerOf(value, "Div")) {
    if (ScalarOf(quotient->input(0)) != 1.0f) return std::nullopt;
    return DeviationOf(quotient->input(1));
  }
  const Node* const power = ProducerOf(value, "Pow");
  if (power == nullptr || ScalarOf(power->input(1)) != -0.5f) return std::nullopt;
  return MeanSquareOf(power->input(0));
}

// The deviation that `node` divides what it is of by.
std::optional<Deviation> NormalizedBy(const Node& node) {
  if (Is(node, "Div")) {
    const auto deviation = DeviationOf(node.input(1));
    if (deviation.has_value() && deviation->from == node.input(0)) return deviation;
  }
  if (!Is(node, "Mul")) return std::nullopt;
  for (int side = 0; side < 2; ++side) {
    const auto deviation = InverseOf(node.input(side));
    if (deviation.has_value() && deviation->from == node.input(1 - side)) return deviation;
  }
  return std::nullopt;
}

// The next node if it is `name` of `value` and one number per element of a row.
struct Step {
  Node* node;
  Value* parameter;
};

std::optional<Step> StepBehind(const Value& value, std::string_view name, int64_t width) {
  if (!HasOneReader(value)) return std::nullopt;
  const Use use = value.uses()[0];
  if (!Is(*use.node, name) || &use.node->graph() != &value.graph()) return std::nullopt;
  Value* const parameter = use.node->input(1 - use.index);
  if (!IsFloat(parameter) || !parameter->type.has_shape || parameter->type.shape.rank() != 1 ||
      parameter->type.shape[0] != width) {
    return std::nullopt;
  }
  return Step{use.node, parameter};
}

Value& Ones(Graph& graph, int64_t count) {
  const std::vector<float> ones(static_cast<size_t>(count), 1.0f);
  return graph.AddConstant("ones", Tensor::FromSpan<float>({count}, ones));
}

bool FuseLayerNormalizationAt(Graph& graph, Node& node) {
  if (!IsFloat(node.output(0))) return false;
  const auto deviation = NormalizedBy(node);
  // A number of more axes would have given the result more, too.
  if (!deviation.has_value() || !HaveSameRank(*node.output(0), *deviation->from)) return false;
  const Shape& shape = deviation->from->type.shape;
  const int64_t width = shape.rank() < 1 ? -1 : shape.Back(0);
  if (width < 1) return false;
  const Node* const centred = ProducerOf(deviation->from, "Sub");
  const bool has_mean = centred != nullptr && MeanOf(centred->input(1)) == centred->input(0);
  Value* const x = has_mean ? centred->input(0) : deviation->from;
  Node* last = &node;
  const auto scale = StepBehind(*last->output(0), "Mul", width);
  if (scale.has_value()) last = scale->node;
  const auto shift = has_mean ? StepBehind(*last->output(0), "Add", width) : std::nullopt;
  if (shift.has_value()) last = shift->node;
  Node& fused = has_mean
                    ? graph.AddBareNode("", "LayerNormalization", kLayerNormalizationOpset, last)
                    : graph.AddBareNode("", "RMSNormalization", kRootMeanSquareOpset, last);
  fused.origin = node.origin;
  fused.AddInput(x);
  fused.AddInput(scale.has_value() ? scale->parameter : &Ones(graph, width));
  if (shift.has_value()) fused.AddInput(shift->parameter);
  fused.SetAttribute("axis", int64_t{-1});
  fused.SetAttribute("epsilon", deviation->epsilon);
  Value* const output = last->output(0);
  last->SetOutput(0, nullptr);
  fused.SetOutput(0, output);
  return true;
}

}  // namespace

bool FuseLayerNormalization(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseLayerNormalization(*subgraph);
    changed |= FuseLayerNormalizationAt(graph, node);
  }
  if (changed) RemoveDeadCode(graph);
  return changed;
}

}  // namespace mullion::optimizer
