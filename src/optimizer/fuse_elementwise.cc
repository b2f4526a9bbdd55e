// SPDX-License-Identifier: MIT
#include "optimizer/fuse_elementwise.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "operators/fused_elementwise.h"
#include "operators/registry.h"

namespace mullion::optimizer {

namespace {

using operators::ElementwiseProgram;
using operators::ElementwiseStep;

bool IsFloatTensor(const Value* value) {
  return value != nullptr && value->type.IsTensor() &&
         value->type.element_type == ElementType::kFloat;
}

// ---- which values have the same shape
// ------------------------------------------------------------

// Numbers values so that equal numbers mean equal shapes, whatever the unknown dimensions turn out
// to be. Values are asked for in topological order.
class ShapeClasses {
 public:
  int Of(const Value& value) {
    const auto found = classes_.find(&value);
    if (found != classes_.end()) return found->second;
    const int number = KnownShapeClass(value).value_or(next_);
    if (number == next_) ++next_;
    classes_.emplace(&value, number);
    return number;
  }

  // An elementwise result has the shape of the operand that all others are broadcast to.
  void SetResult(const Value& result, const Value& a, const Value* b) {
    const int class_a = Of(a);
    std::optional<int> number;
    if (b == nullptr || Of(*b) == class_a || IsSurelyBroadcastTo(*b, a)) {
      number = class_a;
    } else if (IsSurelyBroadcastTo(a, *b)) {
      number = Of(*b);
    }
    if (number.has_value()) classes_[&result] = *number;
  }

 private:
  // Shapes whose dimensions are all numbers or symbols are compared as such.
  std::optional<int> KnownShapeClass(const Value& value) {
    if (!value.type.has_shape) return std::nullopt;
    const std::span<const int64_t> dims = value.type.shape.dims();
    if (std::find(dims.begin(), dims.end(), kUnknownDim) != dims.end()) return std::nullopt;
    const auto [place, is_new] =
        known_.emplace(std::vector<int64_t>(dims.begin(), dims.end()), next_);
    return place->second;
  }

  // Whether broadcasting `small` with `large` gives the shape of `large`, for all that the unknown
  // dimensions may be.
  static bool IsSurelyBroadcastTo(const Value& small, const Value& large) {
    if (!small.type.has_shape) return false;
    const Shape& a = small.type.shape;
    if (a.rank() == 0) return true;
    if (!large.type.has_shape) return false;
    const Shape& b = large.type.shape;
    if (a.rank() > b.rank()) return false;
    for (int i = 0; i < a.rank(); ++i) {
      const bool same = a.Back(i) == b.Back(i) && a.Back(i) != kUnknownDim;
      if (a.Back(i) != 1 && !same) return false;
    }
    return true;
  }

  std::unordered_map<const Value*, int> classes_;
  std::map<std::vector<int64_t>, int> known_;
  int next_ = 0;
};

// ---- trees of nodes
// ------------------------------------------------------------------------------

// A node that may be fused.
struct Candidate {
  ElementwiseStep step;
  int shape_class = 0;
  int order = 0;
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph) {}

  bool Run() {
    bool changed = false;
    std::vector<Node*> nodes;
    for (const auto& node : graph_.nodes()) {
      for (Graph* const subgraph : node->Subgraphs()) changed |= FuseElementwise(*subgraph);
      Consider(*node, static_cast<int>(nodes.size()));
      nodes.push_back(node.get());
    }
    // From the back: a node that is not yet part of a tree is the last one of its own.
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      if (!candidates_.contains(*node) || taken_.contains(*node)) continue;
      const std::vector<Node*> tree = TreeOf(**node);
      if (tree.size() < 2) continue;
      Fuse(tree);
      changed = true;
    }
    return changed;
  }

 private:
  // Operands of a step: Clip's bounds are constants that the step holds.
  static int OperandCount(const ElementwiseStep& step) {
    return operators::IsBinary(step.op) ? 2 : 1;
  }

  void Consider(const Node& node, int order) {
    const std::optional<ElementwiseStep> step = operators::ElementwiseStepOf(node);
    if (!step.has_value() || node.output_count() != 1 || !IsFloatTensor(node.output(0))) return;
    for (int i = 0; i < OperandCount(*step); ++i) {
      if (!IsFloatTensor(node.input(i))) return;
    }
    const Value& output = *node.output(0);
    const Value* const second = OperandCount(*step) == 2 ? node.input(1) : nullptr;
    shapes_.SetResult(output, *node.input(0), second);
    candidates_.emplace(&node, Candidate{*step, shapes_.Of(output), order});
  }

  // `root` and the nodes whose results are read in the tree alone, in topological order.
  std::vector<Node*> TreeOf(Node& root) {
    const int shape_class = candidates_.at(&root).shape_class;
    std::vector<Node*> tree{&root};
    std::unordered_map<const Node*, size_t> reads;  // of a node's result by nodes of the tree
    for (size_t i = 0; i < tree.size(); ++i) {
      taken_.insert(tree[i]);
      const int operands = OperandCount(candidates_.at(tree[i]).step);
      for (int k = 0; k < operands; ++k) {
        const Value& value = *tree[i]->input(k);
        Node* const producer = value.producer();
        if (producer == nullptr || &producer->graph() != &graph_ || value.IsGraphOutput()) continue;
        const auto found = candidates_.find(producer);
        if (found == candidates_.end() || found->second.shape_class != shape_class) continue;
        if (++reads[producer] < value.uses().size()) continue;
        if (tree.size() < operators::kMostInstructions) tree.push_back(producer);
      }
    }
    std::sort(tree.begin(), tree.end(), [this](const Node* a, const Node* b) {
      return candidates_.at(a).order < candidates_.at(b).order;
    });
    return tree;
  }

  // The tree's operands from outside, each once, in order of first use.
  std::vector<Value*> InputsOf(const std::vector<Node*>& tree) const {
    std::unordered_set<const Value*> known;
    for (const Node* const node : tree) known.insert(node->output(0));
    std::vector<Value*> inputs;
    for (const Node* const node : tree) {
      for (int k = 0; k < OperandCount(candidates_.at(node).step); ++k) {
        if (known.insert(node->input(k)).second) inputs.push_back(node->input(k));
      }
    }
    return inputs;
  }

  ElementwiseProgram ProgramOf(const std::vector<Node*>& tree,
                               const std::vector<Value*>& inputs) const {
    std::unordered_map<const Value*, int> numbers;
    for (const Value* const input : inputs) {
      numbers.emplace(input, static_cast<int>(numbers.size()));
    }
    ElementwiseProgram program;
    for (const Node* const node : tree) {
      const ElementwiseStep& step = candidates_.at(node).step;
      const int second = OperandCount(step) == 2 ? numbers.at(node->input(1)) : -1;
      program.push_back({step, numbers.at(node->input(0)), second});
      numbers.emplace(node->output(0), static_cast<int>(numbers.size()));
    }
    return program;
  }

  void Fuse(const std::vector<Node*>& tree) {
    Node& root = *tree.back();
    const std::vector<Value*> inputs = InputsOf(tree);
    const ElementwiseProgram program = ProgramOf(tree, inputs);
    Node& fused =
        graph_.AddBareNode(operators::kInternalDomain, operators::kFusedElementwise, 1, &root);
    fused.origin = root.origin;
    for (Value* const input : inputs) fused.AddInput(input);
    operators::StoreProgram(program, fused);
    // The output stays the value that it was: name, type and readers.
    Value* const output = root.output(0);
    root.SetOutput(0, nullptr);
    fused.SetOutput(0, output);
    for (size_t i = tree.size(); i-- > 0;) graph_.Remove(*tree[i]);
  }

  Graph& graph_;
  ShapeClasses shapes_;
  std::unordered_map<const Node*, Candidate> candidates_;
  std::unordered_set<const Node*> taken_;
};

}  // namespace

bool FuseElementwise(Graph& graph) { return Fuser(graph).Run(); }

}  // namespace mullion::optimizer
