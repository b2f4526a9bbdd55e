// SPDX-License-Identifier: MIT
#include "operators/attribute_inputs.h"

namespace mullion::operators {

void MoveIntsToInput(Node& node, std::string_view attribute, int index) {
  if (node.HasAttribute(attribute) && node.input(index) == nullptr) {
    const std::span<const int64_t> values = node.IntsAttribute(attribute);
    node.SetInput(index, &node.graph().AddConstant(attribute, Tensor::Vector(values)));
  }
  node.RemoveAttribute(attribute);
}

}  // namespace mullion::operators
