// SPDX-License-Identifier: MIT
// Dimensions of a tensor, held in place so that making one never allocates.
#ifndef MULLION_BASE_SHAPE_H_
#define MULLION_BASE_SHAPE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace mullion {

// No model in practice passes rank 8; the bound keeps shapes trivially copyable.
inline constexpr int kMaxRank = 16;

// A dimension whose size is not known. Dimensions below it are symbols: two dimensions with the
// same negative number have the same, still unknown, size. Concrete dimensions are 0 or more.
inline constexpr int64_t kUnknownDim = -1;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) {
    for (const int64_t dim : dims) Append(dim);
  }
  // A shape of `rank` equal dimensions.
  static Shape Filled(int rank, int64_t dim) {
    Shape shape;
    for (int i = 0; i < rank; ++i) shape.Append(dim);
    return shape;
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return dims_[static_cast<size_t>(axis)]; }
  // Dimension counted from the back: Back(0) is the last.
  int64_t Back(int i) const { return dims_[static_cast<size_t>(rank_ - 1 - i)]; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  std::span<const int64_t> dims() const { return {begin(), end()}; }

  // The rank must stay within kMaxRank: readers of untrusted data check before appending.
  void Append(int64_t dim) { dims_[static_cast<size_t>(rank_++)] = dim; }
  void Insert(int axis, int64_t dim);
  void Remove(int axis);

  // Copies no more than there is: most of a shape is room for dimensions that few shapes have.
  void Assign(const Shape& other) {
    rank_ = other.rank_;
    for (int i = 0; i < rank_; ++i) (*this)[i] = other[i];
  }

  bool IsConcrete() const {
    return std::all_of(begin(), end(), [](int64_t d) { return d >= 0; });
  }
  // The number of elements: the product of all dimensions, 1 for rank 0. Needs a concrete shape
  // whose product was checked when it came in (see CheckedElementCount).
  int64_t ElementCount() const { return Product(0, rank_); }
  // The product of dimensions [first, last).
  int64_t Product(int first, int last) const {
    int64_t product = 1;
    for (int i = first; i < last; ++i) product *= dims_[static_cast<size_t>(i)];
    return product;
  }
  // The element count, or nothing when it passes 2^56 or a dimension is unknown.
  std::optional<int64_t> CheckedElementCount() const;

  // "[1,3,224,224]"; unknown dimensions print as "?".
  std::string ToString() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    // Not std::equal: its call of memcmp takes longer than a few comparisons.
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

 private:
  int rank_ = 0;
  std::array<int64_t, kMaxRank> dims_{};
};

// Row-major strides in elements: the last axis has stride 1.
std::array<int64_t, kMaxRank> RowMajorStrides(const Shape& shape);

// `axis` counted from the front, or nothing when outside [-rank, rank).
std::optional<int> NormalizeAxis(int64_t axis, int rank);

// The common shape of numpy-style broadcasting, or nothing when `a` and `b` do not fit. Unknown
// dimensions meet a known one other than 1 as that one, each other as unknown (or the same symbol).
std::optional<Shape> BroadcastShapes(const Shape& a, const Shape& b);

}  // namespace mullion

#endif  // MULLION_BASE_SHAPE_H_
