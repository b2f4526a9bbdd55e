// SPDX-License-Identifier: MIT
#include "optimizer/gather_one_hot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Weights are looked at and copied while a session is made: 16 MiB at most.
constexpr int64_t kMostWeights = int64_t{1} << 22;

template <typename T>
bool CountsUp(std::span<const T> values) {
  T expected = 0;
  return std::all_of(values.begin(), values.end(), [&](T value) { return value == expected++; });
}

// How many classes there are when `value` is 0, 1, 2 ... along its last axis; else 0.
int64_t ClassesOf(const Value& value) {
  if (!value.IsConstant()) return 0;
  const Tensor& numbers = value.constant;
  const int64_t count = numbers.count();
  if (numbers.shape().rank() < 1 || numbers.shape().Back(0) != count || count > kMostWeights) {
    return 0;
  }
  const ElementType type = numbers.type();
  const bool counts = (type == ElementType::kInt32 && CountsUp(numbers.span<int32_t>())) ||
                      (type == ElementType::kInt64 && CountsUp(numbers.span<int64_t>()));
  return counts ? count : 0;
}

// Whether the last of the sizes that `shape` holds is surely 1; the others may hang on inputs.
bool EndsInOne(const Value& shape) {
  if (shape.IsConstant()) {
    const Tensor& sizes = shape.constant;
    if (sizes.count() < 1) return false;
    if (sizes.type() == ElementType::kInt32) return sizes.span<int32_t>().back() == 1;
    return sizes.type() == ElementType::kInt64 && sizes.span<int64_t>().back() == 1;
  }
  if (const Node* const cast = ProducerOf(&shape, "Cast")) return EndsInOne(*cast->input(0));
  const Node* const concat = ProducerOf(&shape, "Concat");
  return concat != nullptr && EndsInOne(*concat->input(concat->input_count() - 1));
}

bool HasOneColumn(const Value& value) {
  if (!value.type.has_shape || value.type.shape.rank() < 1) return false;
  if (value.type.shape.Back(0) == 1) return true;
  const Node* const expand = ProducerOf(&value, "Expand");
  return expand != nullptr && HasOneColumn(*expand->input(0)) && EndsInOne(*expand->input(1));
}

// The numbers [..., 1] whose one-hot rows of `classes` elements `rows` are, or null.
Value* NumbersOf(const Value& rows, int64_t classes) {
  const Node* const cast = ProducerOf(&rows, "Cast");
  const Node* const equal = cast == nullptr ? nullptr : ProducerOf(cast->input(0), "Equal");
  if (equal == nullptr || !IsFloat(&rows)) return nullptr;
  for (int side = 0; side < 2; ++side) {
    Value* const numbers = equal->input(side);
    const Value& all = *equal->input(1 - side);
    if (ClassesOf(all) != classes || !HasOneColumn(*numbers) ||
        all.constant.shape().rank() > numbers->type.shape.rank()) {
      continue;
    }
    return numbers;
  }
  return nullptr;
}

// The weights and a row of zeros behind them, for numbers that are no class; nothing where sums
// with 0 times a weight would not be the others.
Tensor TableOf(const Tensor& weights) {
  const int64_t classes = weights.shape()[0];
  Result<Tensor> table =
      Tensor::Allocate(ElementType::kFloat, Shape{classes + 1, weights.shape()[1]});
  if (!table.ok()) return Tensor();
  auto* const to = static_cast<float*>(table->mutable_data());
  weights.CopyContents(to);
  if (!std::all_of(to, to + weights.count(), [](float x) { return std::isfinite(x); })) {
    return Tensor();
  }
  std::fill(to + weights.count(), to + table->count(), 0.0f);
  return *std::move(table);
}

Value& IntegerConstant(Graph& graph, ElementType type, int64_t value) {
  return graph.AddConstant("number", type == ElementType::kInt32
                                         ? Tensor::Scalar(static_cast<int32_t>(value))
                                         : Tensor::Scalar(value));
}

bool GatherAt(Graph& graph, Node& product) {
  const Value* const weights = product.input(1);
  if (product.input_count() != 2 || !IsConstantFloat(weights) ||
      weights->constant.shape().rank() != 2 || weights->constant.count() > kMostWeights) {
    return false;
  }
  const int64_t classes = weights->constant.shape()[0];
  Value* const numbers = classes < 1 ? nullptr : NumbersOf(*product.input(0), classes);
  if (numbers == nullptr) return false;
  Tensor table = TableOf(weights->constant);
  if (!table) return false;

  // All numbers below 0 become -1 and those above the last class the next: both are the zeros.
  const ElementType type = numbers->type.element_type;
  const std::array<Value*, 3> bounds = {numbers, &IntegerConstant(graph, type, -1),
                                        &IntegerConstant(graph, type, classes)};
  Node& clip = graph.AddNode("", "Clip", 13, bounds, 1, product.output(0)->name(), &product);
  clip.origin = product.origin;
  clip.output(0)->type = numbers->type;
  const int64_t last_axis = -1;
  const std::array<Value*, 2> column = {
      clip.output(0), &graph.AddConstant("axes", Tensor::Vector<int64_t>({&last_axis, 1}))};
  Node& squeeze = graph.AddNode("", "Squeeze", 13, column, 1, product.output(0)->name(), &product);
  squeeze.origin = product.origin;
  const std::span<const int64_t> dims = numbers->type.shape.dims();
  squeeze.output(0)->type = TypeInfo::Tensor(type, Shape(dims.first(dims.size() - 1)));

  product.SetOperator("", "Gather", 13);
  product.SetInput(0, &graph.AddConstant(weights->name(), std::move(table)));
  product.SetInput(1, squeeze.output(0));
  return true;
}

}  // namespace

bool GatherOneHot(Graph& graph) {
  bool changed = false;
  std::vector<Node*> products;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= GatherOneHot(*subgraph);
    if (Is(*node, "MatMul")) products.push_back(node.get());
  }
  for (Node* const product : products) changed |= GatherAt(graph, *product);
  return changed;
}

}  // namespace mullion::optimizer
