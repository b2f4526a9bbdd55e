// SPDX-License-Identifier: MIT
// Softmax, LogSoftmax, Hardmax.
//
// Before opset 13 the input was seen as a matrix: the axes from `axis` on were one. The upgrade
// says so by the internal attribute `flatten` = 1 where that differs from working along `axis`
// alone.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferSoftmax(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) return OkStatus();
  return context.Axis(context.node().IntAttribute("axis", -1), shape->rank()).status();
}

Status UpgradeSoftmax(Node& node) {
  const int64_t axis = node.IntAttribute("axis", 1);
  node.SetAttribute("axis", axis);
  const Value* const input = node.input(0);
  const bool known = input != nullptr && input->type.has_shape;
  const bool is_last = axis == -1 || (known && axis == input->type.shape.rank() - 1);
  if (!is_last) node.SetAttribute("flatten", int64_t{1});
  node.set_opset(13);
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
}

}  // namespace mullion::operators
