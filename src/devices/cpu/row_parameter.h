// SPDX-License-Identifier: MIT
// A parameter of a normalization, such as its scale, that broadcasts to the data: one row of it for
// each row of the data.
#ifndef MULLION_DEVICES_CPU_ROW_PARAMETER_H_
#define MULLION_DEVICES_CPU_ROW_PARAMETER_H_

#include <array>
#include <cstdint>

#include "base/shape.h"

namespace mullion::cpu {

// Rows are axes [axis, rank) of `data`, which is to outlive this. The parameter's dimensions must
// broadcast to those of `data`.
class RowParameter {
 public:
  RowParameter(const Shape& data, int axis, const Shape& parameter);

  // Whether all rows of the parameter lie in memory as those of the data do, so that Row needs no
  // buffer.
  bool dense() const { return dense_; }

  bool same_for_all_rows() const { return same_for_all_rows_; }

  // The elements for row `row` of the data, in `buffer` if they are not dense.
  template <typename T>
  const T* Row(const T* parameter, int64_t row, T* buffer) const {
    const T* const from = parameter + OuterOffset(row);
    if (dense_) return from;
    const int64_t n = data_.Product(axis_, data_.rank());
    for (int64_t i = 0; i < n; ++i) buffer[i] = from[InnerOffset(i)];
    return buffer;
  }

 private:
  int64_t OuterOffset(int64_t row) const { return Offset(row, 0, axis_); }
  int64_t InnerOffset(int64_t i) const { return Offset(i, axis_, data_.rank()); }
  int64_t Offset(int64_t index, int first, int last) const;

  const Shape& data_;
  int axis_;
  bool same_for_all_rows_ = true;
  bool dense_ = true;
  std::array<int64_t, kMaxRank> strides_;  // of the parameter along the axes of the data
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_ROW_PARAMETER_H_
