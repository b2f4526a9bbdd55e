// SPDX-License-Identifier: MIT
#include "optimizer/scan_first_axis.h"

#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// The axes that the attribute names: 0 where it is silent.
std::vector<int64_t> AxesOf(const Node& scan, std::string_view attribute, int count) {
  const auto given = scan.IntsAttribute(attribute);
  std::vector<int64_t> axes(given.begin(), given.end());
  axes.resize(static_cast<size_t>(count), 0);
  return axes;
}

// The axis that must move: not that of a tensor of unknown rank, nor the first one.
std::optional<int> AxisToMove(const Value* value, int64_t axis) {
  if (value == nullptr || !value->type.IsTensor() || !value->type.has_shape) return std::nullopt;
  const std::optional<int> place = NormalizeAxis(axis, value->type.shape.rank());
  return place == 0 ? std::nullopt : place;
}

void AddTranspose(Value& from, Value& to, std::vector<int64_t> perm, const Node& scan,
                  const Node* before) {
  Node& transpose = from.graph().AddBareNode("", "Transpose", 13, before);
  transpose.origin = scan.origin;
  transpose.SetAttribute("perm", std::move(perm));
  transpose.AddInput(&from);
  transpose.SetOutput(0, &to);
}

// The same value with `axis` first.
Value& Moved(const Value& value, int axis, Graph& graph) {
  Shape shape = value.type.shape;
  const int64_t length = shape[axis];
  shape.Remove(axis);
  shape.Insert(0, length);
  return graph.AddValue(value.name(), TypeInfo::Tensor(value.type.element_type, shape));
}

bool MoveInputs(Node& scan, int states, int count) {
  std::vector<int64_t> axes = AxesOf(scan, "scan_input_axes", count);
  bool changed = false;
  for (int i = 0; i < count; ++i) {
    Value* const input = scan.input(states + i);
    const std::optional<int> axis = AxisToMove(input, axes[static_cast<size_t>(i)]);
    if (!axis.has_value()) continue;
    std::vector<int64_t> perm = {*axis};
    for (int k = 0; k < input->type.shape.rank(); ++k) {
      if (k != *axis) perm.push_back(k);
    }
    Value& moved = Moved(*input, *axis, scan.graph());
    AddTranspose(*input, moved, std::move(perm), scan, &scan);
    scan.SetInput(states + i, &moved);
    axes[static_cast<size_t>(i)] = 0;
    changed = true;
  }
  if (changed) scan.SetAttribute("scan_input_axes", std::move(axes));
  return changed;
}

bool MoveOutputs(Node& scan, int states) {
  const int count = scan.output_count() - states;
  if (count <= 0) return false;
  std::vector<int64_t> axes = AxesOf(scan, "scan_output_axes", count);
  bool changed = false;
  for (int i = 0; i < count; ++i) {
    Value* const output = scan.output(states + i);
    const std::optional<int> axis = AxisToMove(output, axes[static_cast<size_t>(i)]);
    if (!axis.has_value()) continue;
    std::vector<int64_t> perm;
    for (int k = 0; k < output->type.shape.rank(); ++k) {
      perm.push_back(k < *axis ? k + 1 : k == *axis ? 0 : k);
    }
    Value& moved = Moved(*output, *axis, scan.graph());
    scan.SetOutput(states + i, &moved);
    AddTranspose(moved, *output, std::move(perm), scan, scan.graph().Next(scan));
    axes[static_cast<size_t>(i)] = 0;
    changed = true;
  }
  if (changed) scan.SetAttribute("scan_output_axes", std::move(axes));
  return changed;
}

}  // namespace

bool ScanFirstAxis(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= ScanFirstAxis(*subgraph);
    if (!Is(node, "Scan") || node.opset() < 9) continue;
    const auto count = static_cast<int>(node.IntAttribute("num_scan_inputs", 0));
    const int states = node.input_count() - count;
    if (count < 1 || states < 0) continue;
    changed |= MoveInputs(node, states, count);
    changed |= MoveOutputs(node, states);
  }
  return changed;
}

}  // namespace mullion::optimizer
