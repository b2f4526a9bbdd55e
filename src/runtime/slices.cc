// SPDX-License-Identifier: MIT
#include "runtime/slices.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/str_cat.h"

namespace mullion {

Result<Tensor> Slice(const TensorView& view, int axis, int64_t index) {
  Shape shape = view.shape;
  const int64_t length = shape[axis];
  shape.Remove(axis);
  MULLION_ASSIGN_OR_RETURN(Tensor slice, Tensor::Allocate(view.type, shape));
  const int64_t outer = shape.Product(0, axis);
  const int64_t inner = shape.Product(axis, shape.rank());
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t from = (o * length + index) * inner;
    if (view.type == ElementType::kString) {
      std::copy_n(view.as<std::string>() + from, inner,
                  static_cast<std::string*>(slice.mutable_data()) + o * inner);
      continue;
    }
    const size_t size = ByteSize(view.type, 1);
    std::memcpy(static_cast<char*>(slice.mutable_data()) + static_cast<size_t>(o * inner) * size,
                view.as<char>() + static_cast<size_t>(from) * size,
                static_cast<size_t>(inner) * size);
  }
  return slice;
}

Status Stack::Append(const Node& node, const Datum& item) {
  if (!item.IsTensor()) {
    return node.Error(StatusCode::kEvaluation, "an output of its body is not a tensor");
  }
  if (!has_shape_) {
    has_shape_ = true;
    type_ = item.view.type;
    shape_ = item.view.shape;
    const int64_t zeros = std::exchange(count_, 0);
    AppendZeros(zeros);
  } else if (!(shape_ == item.view.shape)) {
    return node.Error(StatusCode::kEvaluation,
                      StrCat("an output of its body has shape ", item.view.shape.ToString(),
                             " after iterations of ", shape_.ToString(),
                             "; what is stacked must have the same shape in all iterations"));
  }
  if (type_ == ElementType::kString) {
    const auto items = item.view.span<std::string>();
    strings_.insert(strings_.end(), items.begin(), items.end());
  } else {
    const auto* const data = item.view.as<char>();
    bytes_.insert(bytes_.end(), data, data + item.view.bytes());
  }
  ++count_;
  return OkStatus();
}

void Stack::AppendZeros(int64_t count) {
  count_ += count;
  if (!has_shape_) return;
  const auto elements = static_cast<size_t>(count_ * shape_.ElementCount());
  if (type_ == ElementType::kString) {
    strings_.resize(elements);
  } else {
    bytes_.resize(elements * ByteSize(type_, 1));
  }
}

Result<Tensor> Stack::Finish(const TypeInfo& type, int64_t axis, bool reverse) {
  if (!has_shape_) {
    type_ = type.element_type;
    shape_ = type.has_shape ? type.shape : Shape();
    for (int i = 0; i < shape_.rank(); ++i) shape_[i] = std::max<int64_t>(shape_[i], 0);
    has_shape_ = true;
    AppendZeros(0);
  }
  const std::optional<int> place = NormalizeAxis(axis, shape_.rank() + 1);
  if (!place.has_value()) return EvaluationError("a scan output axis is out of range");
  Shape stacked = shape_;
  stacked.Insert(*place, count_);
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type_, stacked));
  const int64_t outer = shape_.Product(0, *place);
  const int64_t inner = shape_.Product(*place, shape_.rank());
  for (int64_t i = 0; i < count_; ++i) {
    const int64_t from = reverse ? count_ - 1 - i : i;
    for (int64_t o = 0; o < outer; ++o)
      Copy(tensor, (o * count_ + i) * inner, (from * outer + o) * inner, inner);
  }
  return tensor;
}

void Stack::Copy(Tensor& tensor, int64_t to, int64_t from, int64_t count) const {
  if (type_ == ElementType::kString) {
    std::copy_n(strings_.begin() + from, count,
                static_cast<std::string*>(tensor.mutable_data()) + to);
    return;
  }
  const size_t size = ByteSize(type_, 1);
  if (count == 0) return;
  std::memcpy(static_cast<char*>(tensor.mutable_data()) + static_cast<size_t>(to) * size,
              bytes_.data() + static_cast<size_t>(from) * size, static_cast<size_t>(count) * size);
}

}  // namespace mullion
