// SPDX-License-Identifier: MIT
#include "base/shape.h"

namespace mullion {

void Shape::Insert(int axis, int64_t dim) {
  std::copy_backward(dims_.begin() + axis, dims_.begin() + rank_, dims_.begin() + rank_ + 1);
  dims_[static_cast<size_t>(axis)] = dim;
  ++rank_;
}

void Shape::Remove(int axis) {
  std::copy(dims_.begin() + axis + 1, dims_.begin() + rank_, dims_.begin() + axis);
  --rank_;
}

std::optional<int64_t> Shape::CheckedElementCount() const {
  // So that the bytes, of 16 or 32 (strings) for each element, and even the bits can be counted.
  constexpr int64_t kLimit = int64_t{1} << 56;
  if (!IsConcrete()) return std::nullopt;
  if (std::find(begin(), end(), 0) != end()) return 0;
  int64_t count = 1;
  for (const int64_t dim : dims()) {
    if (count > kLimit / dim) return std::nullopt;
    count *= dim;
  }
  return count;
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ',';
    text += (*this)[i] < 0 ? "?" : std::to_string((*this)[i]);
  }
  return text + "]";
}

std::array<int64_t, kMaxRank> RowMajorStrides(const Shape& shape) {
  std::array<int64_t, kMaxRank> strides{};
  int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

std::optional<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::optional<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::Filled(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int64_t x = i < a.rank() ? a.Back(i) : 1;
    const int64_t y = i < b.rank() ? b.Back(i) : 1;
    int64_t& dim = out[rank - 1 - i];
    if (x == y) {
      dim = x;
    } else if (x == 1) {
      dim = y;
    } else if (y == 1) {
      dim = x;
    } else if (x >= 0 && y >= 0) {
      return std::nullopt;
    } else {
      dim = x >= 0 ? x : (y >= 0 ? y : kUnknownDim);
    }
  }
  return out;
}

}  // namespace mullion
