// SPDX-License-Identifier: MIT
#include "operators/widen_constant.h"

#include <utility>

#include "base/element_traits.h"
#include "base/tensor.h"

namespace mullion::operators {

Status WidenConstant(Node& node, int i) {
  const Value* const value = node.input(i);
  if (value == nullptr || !Contains(types::kHalfFloats, value->constant.type())) return OkStatus();
  const Tensor& halves = value->constant;
  MULLION_ASSIGN_OR_RETURN(Tensor floats, Tensor::Allocate(ElementType::kFloat, halves.shape()));
  auto* const to = static_cast<float*>(floats.mutable_data());
  const TensorView view = halves.view();
  for (int64_t j = 0; j < view.count(); ++j) {
    to[j] = view.type == ElementType::kFloat16 ? static_cast<float>(view.as<Float16>()[j])
                                               : static_cast<float>(view.as<Bfloat16>()[j]);
  }
  node.SetInput(i, &node.graph().AddConstant(value->name(), std::move(floats)));
  return OkStatus();
}

}  // namespace mullion::operators
