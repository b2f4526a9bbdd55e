// SPDX-License-Identifier: MIT
// Softmax, LogSoftmax, Hardmax.
//
// Before opset 13 the input was seen as a matrix: the axes from `axis` on were one. Where that
// differs from working along one axis, the node becomes FlatSoftmax, FlatLogSoftmax or FlatHardmax
// of the internal domain.
#include <optional>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferSoftmax(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) return OkStatus();
  return context.Axis(context.node().IntAttribute("axis", -1), shape->rank()).status();
}

// The axis along which working is the same as along all axes from `axis` on: the others of them
// have one element. Nothing when there is none, or it is not known.
std::optional<int> OnlyAxis(const Value* input, int64_t axis) {
  if (axis == -1) return -1;
  if (input == nullptr || !input->type.has_shape) return std::nullopt;
  const Shape& shape = input->type.shape;
  const std::optional<int> first = NormalizeAxis(axis, shape.rank());
  if (!first.has_value()) return std::nullopt;
  int only = *first;
  int longer = 0;
  for (int i = *first; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    only = i;
    ++longer;
  }
  return longer <= 1 ? std::optional<int>(only) : std::nullopt;
}

Status UpgradeSoftmax(Node& node) {
  const int64_t axis = node.IntAttribute("axis", 1);
  const std::optional<int> only = OnlyAxis(node.input(0), axis);
  node.SetAttribute("axis", only.has_value() ? *only : axis);
  if (only.has_value()) {
    node.set_opset(13);
  } else {
    node.SetOperator(kInternalDomain, StrCat("Flat", node.operator_name()), 1);
  }
  return OkStatus();
}

}  // namespace

void RegisterSoftmax(OperatorRegistry& registry) {
  for (const char* const name : {"Softmax", "LogSoftmax", "Hardmax"}) {
    registry.Add(
        {.name = name, .inputs = {1, 1}, .types = types::kAllFloats, .upgrade = UpgradeSoftmax});
    registry.Add({.name = name,
                  .since = 13,
                  .inputs = {1, 1},
                  .types = types::kAllFloats,
                  .infer = InferSoftmax});
  }
  for (const char* const name : {"FlatSoftmax", "FlatLogSoftmax", "FlatHardmax"}) {
    registry.Add({.name = name,
                  .domain = kInternalDomain,
                  .inputs = {1, 1},
                  .types = types::kAllFloats,
                  .infer = InferSoftmax});
  }
}

}  // namespace mullion::operators
