// SPDX-License-Identifier: MIT
#include "devices/cpu/row_parameter.h"

namespace mullion::cpu {

RowParameter::RowParameter(const Shape& data, int axis, const Shape& parameter)
    : data_(data), axis_(axis) {
  int64_t stride = 1;
  for (int back = 0; back < data.rank(); ++back) {
    const int a = data.rank() - 1 - back;
    const int64_t dim = back < parameter.rank() ? parameter.Back(back) : 1;
    const bool repeats = dim == 1 && data[a] != 1;
    if (repeats && a >= axis) dense_ = false;
    if (dim != 1 && a < axis) same_for_all_rows_ = false;
    strides_[static_cast<size_t>(a)] = dim == 1 ? 0 : stride;
    stride *= dim;
  }
}

int64_t RowParameter::Offset(int64_t index, int first, int last) const {
  if (same_for_all_rows_ && last == axis_) return 0;
  int64_t offset = 0;
  for (int a = last - 1; a >= first; --a) {
    offset += index % data_[a] * strides_[static_cast<size_t>(a)];
    index /= data_[a];
  }
  return offset;
}

}  // namespace mullion::cpu
