// SPDX-License-Identifier: MIT
// A parameter that takes any array.
#ifndef MULLION_ARRAY_VIEW_H_
#define MULLION_ARRAY_VIEW_H_

#include <cstddef>
#include <initializer_list>
#include <ranges>
#include <type_traits>

namespace mullion {

// Elements that somebody else owns: of a list in braces, a std::vector, std::array, std::span or
// plain array. For parameters only: it does not keep them alive.
template <typename T>
class ArrayView {
 public:
  constexpr ArrayView() = default;
  constexpr ArrayView(const T* data, size_t size) : data_(data), size_(size) {}
  constexpr ArrayView(std::initializer_list<T> list) : size_(list.size()) { data_ = list.begin(); }
  template <typename Range>
  requires(!std::is_same_v<std::remove_cvref_t<Range>, ArrayView> &&
           std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
           std::is_same_v<std::ranges::range_value_t<Range>,
                          T>) constexpr ArrayView(Range&& range)  // NOLINT(runtime/explicit)
      : data_(std::ranges::data(range)), size_(std::ranges::size(range)) {}

  constexpr const T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T* begin() const { return data_; }
  constexpr const T* end() const { return data_ + size_; }
  constexpr const T& operator[](size_t index) const { return data_[index]; }

 private:
  const T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mullion

#endif  // MULLION_ARRAY_VIEW_H_
