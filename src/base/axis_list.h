// SPDX-License-Identifier: MIT
// One T for each axis of an image. Nearly all images have three at most: those are held in place,
// so that what copies sizes of a convolution again and again does not copy room for kMaxRank of
// them.
#ifndef MULLION_BASE_AXIS_LIST_H_
#define MULLION_BASE_AXIS_LIST_H_

#include <array>
#include <cstddef>
#include <memory>

#include "base/shape.h"

namespace mullion {

// Elements that were not written are T(). An axis beyond the third is written before it is read.
template <typename T>
class AxisList {
 public:
  AxisList() = default;
  [[gnu::noinline]] AxisList(const AxisList& other) : first_(other.first_) {
    if (other.rest_ != nullptr) CopyRest(other);
  }
  AxisList(AxisList&& other) noexcept = default;
  [[gnu::noinline]] AxisList& operator=(const AxisList& other) {
    first_ = other.first_;
    if (rest_ != nullptr || other.rest_ != nullptr) CopyRest(other);
    return *this;
  }
  AxisList& operator=(AxisList&& other) noexcept = default;

  const T& operator[](size_t i) const { return i < kFirst ? first_[i] : (*rest_)[i - kFirst]; }
  T& operator[](size_t i) {
    if (i < kFirst) return first_[i];
    if (rest_ == nullptr) MakeRest();
    return (*rest_)[i - kFirst];
  }

 private:
  static constexpr size_t kFirst = 3;
  using Rest = std::array<T, kMaxRank - kFirst>;

  // Apart, as hardly any list comes here.
  [[gnu::noinline]] void MakeRest() { rest_ = std::make_unique<Rest>(); }
  [[gnu::noinline]] void CopyRest(const AxisList& other) {
    rest_ = other.rest_ == nullptr ? nullptr : std::make_unique<Rest>(*other.rest_);
  }

  std::array<T, kFirst> first_;
  std::unique_ptr<Rest> rest_;
};

}  // namespace mullion

#endif  // MULLION_BASE_AXIS_LIST_H_
