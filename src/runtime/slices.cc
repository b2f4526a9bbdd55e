// SPDX-License-Identifier: MIT
#include "runtime/slices.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/packed.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

// Room that is made before it is known to be needed, at most.
constexpr size_t kMostAhead = size_t{64} << 20;

// Rows of `row` elements, each so many elements behind the one before it.
struct Rows {
  int64_t count;
  int64_t row;
  int64_t from_step;
  int64_t to_step;
};

template <typename T>
void CopyAs(const void* from, void* to, const Rows& rows) {
  const T* source = static_cast<const T*>(from);
  T* target = static_cast<T*>(to);
  for (int64_t i = 0; i < rows.count; ++i, source += rows.from_step, target += rows.to_step) {
    if (rows.row == 1) {
      *target = *source;
    } else {
      std::copy_n(source, rows.row, target);
    }
  }
}

template <int kBits>
void CopyPacked(const void* from, int64_t from_at, void* to, int64_t to_at, const Rows& rows) {
  const auto* const source = static_cast<const uint8_t*>(from);
  auto* const target = static_cast<uint8_t*>(to);
  for (int64_t i = 0; i < rows.count; ++i) {
    for (int64_t k = 0; k < rows.row; ++k) {
      SetPackedBits<kBits>(target, to_at + i * rows.to_step + k,
                           PackedBits<kBits>(source, from_at + i * rows.from_step + k));
    }
  }
}

// Strides count elements; offsets are of the first ones. Packed elements go where zeros are.
void CopyRows(ElementType type, const void* from, int64_t from_at, void* to, int64_t to_at,
              const Rows& rows) {
  if (type == ElementType::kString) {
    return CopyAs<std::string>(static_cast<const std::string*>(from) + from_at,
                               static_cast<std::string*>(to) + to_at, rows);
  }
  const int bits = ElementBits(type);
  if (bits == 2) return CopyPacked<2>(from, from_at, to, to_at, rows);
  if (bits == 4) return CopyPacked<4>(from, from_at, to, to_at, rows);
  const char* const source = static_cast<const char*>(from) + from_at * (bits / 8);
  char* const target = static_cast<char*>(to) + to_at * (bits / 8);
  if (bits == 8) return CopyAs<uint8_t>(source, target, rows);
  if (bits == 16) return CopyAs<uint16_t>(source, target, rows);
  if (bits == 32) return CopyAs<uint32_t>(source, target, rows);
  if (bits == 64) return CopyAs<uint64_t>(source, target, rows);
  CopyAs<std::array<uint64_t, 2>>(source, target, rows);
}

Result<Tensor> Allocate(BlockCache& blocks, ElementType type, const Shape& shape) {
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, blocks.Allocate(type, shape));
  if (IsSubByte(type) && tensor.bytes() > 0) std::memset(tensor.mutable_data(), 0, tensor.bytes());
  return tensor;
}

}  // namespace

Result<Datum> Slice(BlockCache& blocks, const TensorView& view, int axis, int64_t index) {
  Shape shape = view.shape;
  const int64_t length = shape[axis];
  shape.Remove(axis);
  if (axis == 0 && !IsSubByte(view.type)) {
    const size_t offset = ByteSize(view.type, index * shape.ElementCount());
    return Datum::FromView(
        {view.type, view.location, shape, static_cast<const char*>(view.data) + offset});
  }
  MULLION_ASSIGN_OR_RETURN(Tensor slice, Allocate(blocks, view.type, shape));
  const int64_t outer = shape.Product(0, axis);
  const int64_t inner = shape.Product(axis, shape.rank());
  CopyRows(view.type, view.data, index * inner, slice.mutable_data(), 0,
           {outer, inner, length * inner, inner});
  return Datum::FromTensor(std::move(slice));
}

Result<void*> Stack::Grow(int64_t count) {
  const size_t used = BytesOf(count_);
  const size_t needed = BytesOf(count_ + count);
  if (!bytes_ || bytes_.bytes() < needed) {
    const size_t expected = std::min(BytesOf(std::max<int64_t>(expected_, 0)), kMostAhead);
    const size_t capacity = std::max({needed, 2 * used, expected});
    MULLION_ASSIGN_OR_RETURN(
        Tensor larger,
        blocks_->Allocate(ElementType::kUint8, Shape{static_cast<int64_t>(capacity)}));
    if (IsSubByte(type_)) std::memset(larger.mutable_data(), 0, capacity);
    if (used > 0) std::memcpy(larger.mutable_data(), bytes_.data(), used);
    bytes_ = std::move(larger);
  }
  return bytes_.mutable_data();
}

Status Stack::Append(const Node& node, const Datum& item) {
  if (!item.IsTensor()) {
    return node.Error(StatusCode::kEvaluation, "an output of its body is not a tensor");
  }
  if (!has_shape_) {
    has_shape_ = true;
    type_ = item.view.type;
    shape_ = item.view.shape;
    MULLION_RETURN_IF_ERROR(AppendZeros(std::exchange(count_, 0)));
  } else if (!(shape_ == item.view.shape)) {
    return node.Error(StatusCode::kEvaluation, "an output of its body has shape ",
                      item.view.shape.ToString(), " after iterations of ", shape_.ToString(),
                      "; what is stacked must have the same shape in all iterations");
  }
  if (type_ == ElementType::kString) {
    const auto items = item.view.span<std::string>();
    strings_.insert(strings_.end(), items.begin(), items.end());
  } else {
    MULLION_ASSIGN_OR_RETURN(void* const all, Grow(1));
    const int64_t elements = shape_.ElementCount();
    if (elements > 0) {
      CopyRows(type_, item.view.data, 0, all, count_ * elements, {1, elements, 0, 0});
    }
  }
  ++count_;
  return OkStatus();
}

Status Stack::AppendZeros(int64_t count) {
  if (has_shape_ && type_ == ElementType::kString) {
    strings_.resize(static_cast<size_t>((count_ + count) * shape_.ElementCount()));
  } else if (has_shape_) {
    MULLION_ASSIGN_OR_RETURN(void* const all, Grow(count));
    const size_t used = BytesOf(count_);  // beyond them packed elements are zeros
    const size_t size = BytesOf(count_ + count) - used;
    if (size > 0) std::memset(static_cast<char*>(all) + used, 0, size);
  }
  count_ += count;
  return OkStatus();
}

Result<Tensor> Stack::Finish(const TypeInfo& type, int64_t axis, bool reverse) {
  if (!has_shape_) {
    type_ = type.element_type;
    shape_ = type.has_shape ? type.shape : Shape();
    for (int i = 0; i < shape_.rank(); ++i) shape_[i] = std::max<int64_t>(shape_[i], 0);
    has_shape_ = true;
    MULLION_RETURN_IF_ERROR(AppendZeros(std::exchange(count_, 0)));
  }
  const std::optional<int> place = NormalizeAxis(axis, shape_.rank() + 1);
  if (!place.has_value()) return EvaluationError("a scan output axis is out of range");
  Shape stacked = shape_;
  stacked.Insert(*place, count_);
  const bool text = type_ == ElementType::kString;
  if (*place == 0 && !reverse && !text && bytes_) {
    return Tensor::Wrap(type_, stacked, bytes_.mutable_data(), bytes_.owner());
  }
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Allocate(*blocks_, type_, stacked));
  if (tensor.count() == 0) return tensor;
  const int64_t outer = shape_.Product(0, *place);
  const int64_t inner = shape_.Product(*place, shape_.rank());
  const void* const from = text ? static_cast<const void*>(strings_.data()) : bytes_.data();
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t first = reverse ? count_ - 1 : 0;
    CopyRows(type_, from, (first * outer + o) * inner, tensor.mutable_data(), o * count_ * inner,
             {count_, inner, (reverse ? -1 : 1) * outer * inner, inner});
  }
  return tensor;
}

}  // namespace mullion
