// SPDX-License-Identifier: MIT
#include "optimizer/fold_constants.h"

#include <algorithm>

#include "optimizer/infer_graph.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Folding may make weights (ConstantOfShape in light models) but must not be a way to fill memory:
// one result of 1 GiB at most.
constexpr size_t kLargestResult = size_t{1} << 30;

// A graph output needs a node that writes it, so its producer stays.
bool ResultIsFoldable(const Node& node) {
  return std::all_of(node.outputs().begin(), node.outputs().end(), [](const Value* output) {
    if (output == nullptr) return true;
    if (!output->type.IsTensor() || output->IsGraphOutput()) return false;
    if (!output->type.has_shape || !output->type.shape.IsConcrete()) return true;
    const auto count = output->type.shape.CheckedElementCount();
    return count.has_value() && ByteSize(output->type.element_type, *count) <= kLargestResult;
  });
}

// The inputs as constants, or nothing when one is not known.
std::optional<std::vector<Tensor>> ConstantInputs(const Node& node, bool shape_only) {
  std::vector<Tensor> inputs;
  for (const Value* const input : node.inputs()) {
    if (input == nullptr) {
      inputs.emplace_back();
    } else if (input->IsConstant()) {
      inputs.push_back(input->constant);
    } else if (shape_only && input->type.has_shape && input->type.shape.IsConcrete()) {
      inputs.push_back(Tensor::Wrap(input->type.element_type, input->type.shape, nullptr, nullptr));
    } else {
      return std::nullopt;
    }
  }
  return inputs;
}

bool FoldNode(Graph& graph, Node& node, const OperatorRegistry& registry, Evaluator& evaluator) {
  const OperatorDefinition* const definition =
      registry.Find(node.domain(), node.operator_name(), node.opset());
  if (definition == nullptr || definition->random || !node.Subgraphs().empty()) return false;
  // Contents that came to be known since the first inference may tell the shape now.
  if (!InferNodeTypes(node, registry).ok() || !ResultIsFoldable(node)) return false;
  const auto inputs = ConstantInputs(node, definition->shape_only);
  if (!inputs.has_value()) return false;
  const Result<std::vector<Tensor>> outputs = evaluator.Evaluate(node, *inputs);
  if (!outputs.ok()) return false;
  for (int i = 0; i < node.output_count(); ++i) {
    Value* const output = node.output(i);
    if (output == nullptr || output->uses().empty()) continue;
    graph.ReplaceUses(*output,
                      graph.AddConstant(output->name(), (*outputs)[static_cast<size_t>(i)]));
  }
  graph.Remove(node);
  return true;
}

}  // namespace

bool FoldConstants(Graph& graph, const OperatorRegistry& registry, Evaluator& evaluator,
                   Dequantizing dequantizing) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) {
      changed |= FoldConstants(*subgraph, registry, evaluator, dequantizing);
    }
    if (dequantizing == Dequantizing::kKeep && Is(node, "DequantizeLinear")) continue;
    changed |= FoldNode(graph, node, registry, evaluator);
  }
  return changed;
}

}  // namespace mullion::optimizer
