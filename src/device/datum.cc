// SPDX-License-Identifier: MIT
#include "device/datum.h"

#include <utility>

namespace mullion {

Datum Datum::FromTensor(Tensor tensor) {
  Datum datum;
  datum.kind = ValueKind::kTensor;
  datum.view = tensor.view();
  datum.tensor = std::move(tensor);
  return datum;
}

Datum Datum::FromView(const TensorView& view) {
  Datum datum;
  datum.kind = ValueKind::kTensor;
  datum.view = view;
  return datum;
}

Datum Datum::FromSequence(std::shared_ptr<const Sequence> sequence) {
  Datum datum;
  datum.kind = ValueKind::kSequence;
  datum.sequence = std::move(sequence);
  return datum;
}

Datum Datum::FromMap(std::shared_ptr<const Map> map) {
  Datum datum;
  datum.kind = ValueKind::kMap;
  datum.map = std::move(map);
  return datum;
}

Datum Datum::EmptyOptional() {
  Datum datum;
  datum.kind = ValueKind::kOptional;
  return datum;
}

Result<Tensor> Datum::OwnedTensor(
    FunctionRef<Result<Tensor>(ElementType, const Shape&)> allocate) const {
  if (tensor && tensor.data() == view.data) return tensor;
  MULLION_ASSIGN_OR_RETURN(Tensor copy, allocate(view.type, view.shape));
  CopyElements(view, copy.mutable_view());
  return copy;
}

}  // namespace mullion
