// SPDX-License-Identifier: MIT
#include "operators/legacy_broadcast.h"

#include <numeric>
#include <vector>

#include "base/str_cat.h"

namespace mullion::operators {

Status AppendUnitAxes(Node& node, int input, int count) {
  Value& value = *node.input(input);
  Shape shape = value.type.shape;
  const int rank = shape.rank();
  if (rank + count > kMaxRank) {
    return node.Error(StatusCode::kInvalidModel, "input ", input, " would have more than ",
                      kMaxRank, " axes");
  }
  for (int i = 0; i < count; ++i) shape.Append(1);
  Graph& graph = node.graph();
  if (value.IsConstant()) {
    node.SetInput(input, &graph.AddConstant(value.name(), value.constant.Reshaped(shape)));
    return OkStatus();
  }
  std::vector<int64_t> axes(static_cast<size_t>(count));
  std::iota(axes.begin(), axes.end(), rank);
  Value* const inputs[] = {&value, &graph.AddConstant("axes", Tensor::Vector<int64_t>(axes))};
  Node& unsqueeze = graph.AddNode("", "Unsqueeze", 13, inputs, 1, value.name(), &node);
  unsqueeze.origin = node.origin;
  unsqueeze.output(0)->type = TypeInfo::Tensor(value.type.element_type, shape);
  node.SetInput(input, unsqueeze.output(0));
  return OkStatus();
}

Status UpgradeLegacyBroadcast(Node& node) {
  const bool broadcast = node.IntAttribute("broadcast", 0) != 0;
  const bool has_axis = node.HasAttribute("axis");
  const int64_t axis = node.IntAttribute("axis", 0);
  node.RemoveAttribute("broadcast");
  node.RemoveAttribute("axis");
  node.set_opset(7);
  if (!broadcast || !has_axis || node.input(0) == nullptr || node.input(1) == nullptr) {
    return OkStatus();
  }
  const TypeInfo& first = node.input(0)->type;
  const TypeInfo& second = node.input(1)->type;
  if (!first.has_shape || !second.has_shape) {
    return node.Error(StatusCode::kUnsupported, "broadcasting by axis ", axis,
                      " needs inputs of known rank; export the model with opset 7 or later");
  }
  const int rank = first.shape.rank();
  const bool inside = axis >= -rank && axis <= rank;
  const int64_t place = axis < 0 ? axis + rank : axis;
  const int64_t behind = inside ? rank - place - second.shape.rank() : -1;
  if (behind < 0) {
    return node.Error(StatusCode::kInvalidModel, "input 1 ", second.ToString(),
                      " does not fit into input 0 ", first.ToString(), " from axis ", axis, " on");
  }
  return behind == 0 ? OkStatus() : AppendUnitAxes(node, 1, static_cast<int>(behind));
}

}  // namespace mullion::operators
