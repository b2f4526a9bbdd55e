// SPDX-License-Identifier: MIT
#include "devices/cpu/axis_lines.h"

#include <algorithm>

#include "devices/cpu/kernels/simd/places.h"

namespace mullion::cpu {

AxisLines::AxisLines(const Shape& data, const Shape& indices, int axis)
    : indices_(indices),
      axis_(axis),
      last_(data.rank() - 1),
      dim_(data[axis]),
      data_strides_(RowMajorStrides(data)),
      index_strides_(RowMajorStrides(indices)) {
  for (int i = 0; i < last_; ++i) {
    if (i != axis) units_ *= indices[i];
  }
  lines_ = axis == last_ ? 1 : indices[axis];
}

AxisLines::Place AxisLines::Find(int64_t unit) const {
  Place place;
  for (int i = last_ - 1; i >= 0; --i) {
    if (i == axis_) continue;
    const auto axis = static_cast<size_t>(i);
    place.at[axis] = unit % indices_[i];
    unit /= indices_[i];
    place.data += place.at[axis] * data_strides_[axis];
    place.indices += place.at[axis] * index_strides_[axis];
  }
  return place;
}

void AxisLines::Step(Place& place) const {
  for (int i = last_ - 1; i >= 0; --i) {
    if (i == axis_) continue;
    const auto axis = static_cast<size_t>(i);
    place.data += data_strides_[axis];
    place.indices += index_strides_[axis];
    if (++place.at[axis] < indices_[i]) return;
    place.data -= indices_[i] * data_strides_[axis];
    place.indices -= indices_[i] * index_strides_[axis];
    place.at[axis] = 0;
  }
}

void AxisLines::Visit(
    const IndexReader& indices, int64_t begin, int64_t end, BadIndex& bad,
    FunctionRef<void(const int64_t* places, int64_t first, int64_t count)> visit) const {
  constexpr int64_t kBlock = 256;
  int64_t places[kBlock];
  int64_t first = 0;  // the places are those of indices [first, first + filled)
  int64_t filled = 0;
  const int64_t length = indices_[last_];
  const int64_t line_step = index_strides_[static_cast<size_t>(axis_)];
  PlaceLine stretch{dim_, data_strides_[static_cast<size_t>(axis_)], 0, axis_ == last_ ? 0 : 1};
  Place unit = Find(begin);
  for (int64_t u = begin; u < end; ++u, Step(unit)) {
    for (int64_t line = 0; line < lines_; ++line) {
      for (int64_t done = 0; done < length;) {
        const int64_t from = unit.indices + line * line_step + done;
        // Short lines whose indices follow each other are visited together.
        if (filled == kBlock || from != first + filled) {
          if (filled > 0) visit(places, first, filled);
          first = from;
          filled = 0;
        }
        const int64_t count = std::min(length - done, kBlock - filled);
        stretch.base = unit.data + done * stretch.step;
        const auto n = static_cast<size_t>(count);
        const bool within = indices.wide() != nullptr
                                ? FindPlaces(stretch, indices.wide() + from, n, places + filled)
                                : FindPlaces(stretch, indices.narrow() + from, n, places + filled);
        if (!within) {
          int64_t i = from;
          while (indices.Within(i, dim_) >= 0) ++i;
          return bad.Report(i);
        }
        filled += count;
        done += count;
      }
    }
  }
  if (filled > 0) visit(places, first, filled);
}

}  // namespace mullion::cpu
