// SPDX-License-Identifier: MIT
#include "operators/legacy_affine.h"

namespace mullion::operators {

namespace {

Result<Tensor> AsType(const Tensor& tensor, ElementType type) {
  if (type == ElementType::kFloat) return tensor;
  MULLION_ASSIGN_OR_RETURN(Tensor converted, Tensor::Allocate(type, tensor.shape()));
  DispatchType(FloatTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = static_cast<T*>(converted.mutable_data());
    for (const float value : tensor.span<float>()) *to++ = static_cast<T>(value);
  });
  return converted;
}

}  // namespace

Status BecomeMulAdd(Node& node, float scale, const Tensor& shift) {
  Graph& graph = node.graph();
  Value* const input = node.input(0);
  const ElementType type = input->type.element_type;
  if (scale != 1.0f) {
    MULLION_ASSIGN_OR_RETURN(const Tensor factor, AsType(Tensor::Scalar(scale), type));
    Value* const inputs[] = {input, &graph.AddConstant("scale", factor)};
    Node& mul = graph.AddNode("", "Mul", 14, inputs, 1, "scaled", &node);
    mul.origin = node.origin;
    mul.output(0)->type = input->type;
    node.SetInput(0, mul.output(0));
  }
  MULLION_ASSIGN_OR_RETURN(const Tensor addend, AsType(shift, type));
  node.SetInput(1, &graph.AddConstant("bias", addend));
  node.SetOperator("", "Add", 14);
  return OkStatus();
}

}  // namespace mullion::operators
