// SPDX-License-Identifier: MIT
#include "optimizer/fold_into_table.h"

#include <vector>

#include "operators/elementwise_op.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Tables are computed while a session is made: at most 4 MiB, a millisecond or two.
constexpr int64_t kMostElements = int64_t{1} << 20;

bool IsSmallTable(const Value* value) {
  return IsConstantFloat(value) && value->constant.shape().rank() == 2 &&
         value->constant.count() <= kMostElements;
}

// A constant operand as it meets rows of the table: one number for all, or one for each column.
bool FitsRows(const Value& constant, int64_t columns, int rank) {
  if (!IsConstantFloat(&constant)) return false;
  const Shape& shape = constant.constant.shape();
  if (shape.rank() > rank) return false;
  return constant.constant.count() == 1 ||
         (constant.constant.count() == columns && shape.Back(0) == columns);
}

// Whether `node` computes each element of `rows` by itself, with constants at most.
bool IsFunctionOfRows(const Node& node, const Value& rows, int64_t columns) {
  const auto step = operators::ElementwiseStepOf(node);
  if (!step.has_value() || node.output_count() != 1 || !IsFloat(node.output(0))) return false;
  if (!operators::IsBinary(step->op)) return node.input(0) == &rows;
  const Value& other = *node.input(node.input(0) == &rows ? 1 : 0);
  return FitsRows(other, columns, rows.type.shape.rank());
}

// `function` is computed of the table, and `gather` takes its place behind it.
void Exchange(Graph& graph, Node& gather, Node& function, const Shape& table) {
  Value* const rows = gather.output(0);
  Value* const output = function.output(0);
  gather.SetOutput(0, nullptr);
  function.SetOutput(0, nullptr);
  for (int i = 0; i < function.input_count(); ++i) {
    Value* const input = function.input(i);
    if (input == rows) {
      function.SetInput(i, gather.input(0));
    } else if (input != nullptr) {
      const int64_t count = input->constant.count();
      Tensor flat = input->constant.Reshaped(count == 1 ? Shape{} : Shape{count});
      function.SetInput(i, &graph.AddConstant(input->name(), std::move(flat)));
    }
  }
  rows->type = TypeInfo::Tensor(ElementType::kFloat, table);
  function.SetOutput(0, rows);
  gather.SetInput(0, rows);
  gather.SetOutput(0, output);
  graph.MoveBefore(function, gather);
}

bool FoldAt(Graph& graph, Node& gather) {
  if (!IsSmallTable(gather.input(0)) || gather.IntAttribute("axis", 0) != 0) return false;
  const Shape table = gather.input(0)->constant.shape();
  bool changed = false;
  while (true) {
    const Value& rows = *gather.output(0);
    if (!HasOneReader(rows) || !rows.type.has_shape) return changed;
    Node& reader = *rows.uses()[0].node;
    if (&reader.graph() != &graph || !IsFunctionOfRows(reader, rows, table[1])) return changed;
    Exchange(graph, gather, reader, table);
    changed = true;
  }
}

}  // namespace

bool FoldIntoTable(Graph& graph) {
  bool changed = false;
  std::vector<Node*> gathers;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldIntoTable(*subgraph);
    if (Is(*node, "Gather")) gathers.push_back(node.get());
  }
  for (Node* const gather : gathers) changed |= FoldAt(graph, *gather);
  return changed;
}

}  // namespace mullion::optimizer
