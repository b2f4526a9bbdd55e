// SPDX-License-Identifier: MIT
// Walks over the indices of GatherElements and ScatterElements line by line.
#ifndef MULLION_DEVICES_CPU_AXIS_LINES_H_
#define MULLION_DEVICES_CPU_AXIS_LINES_H_

#include <cstdint>

#include "base/shape.h"
#include "devices/cpu/index_reader.h"

namespace mullion::cpu {

// Data and indices have the same rank; on axes other than `axis` the indices may be smaller. Units
// are the combinations of all coordinates but those on `axis` and on the last axis; within a unit
// there is a line along the last axis for every position on `axis` (one line when `axis` is the
// last). Units never meet in the data, so threads may take them separately.
class AxisLines {
 public:
  AxisLines(const Shape& data, const Shape& indices, int axis)
      : indices_(indices),
        axis_(axis),
        last_(data.rank() - 1),
        data_strides_(RowMajorStrides(data)),
        index_strides_(RowMajorStrides(indices)) {
    for (int i = 0; i < last_; ++i) {
      if (i != axis) units_ *= indices[i];
    }
    lines_ = axis == last_ ? 1 : indices[axis];
  }

  int64_t units() const { return units_; }
  int64_t lines() const { return lines_; }
  int64_t line_length() const { return indices_[last_]; }
  // Elements of the data between neighbours on `axis`.
  int64_t axis_stride() const { return data_strides_[static_cast<size_t>(axis_)]; }
  // Elements of the data between neighbours along a line, the index left out.
  int64_t line_stride() const { return axis_ == last_ ? 0 : 1; }
  // Elements of the indices between the lines of a unit.
  int64_t line_step() const { return index_strides_[static_cast<size_t>(axis_)]; }

  struct Place {
    int64_t data;     // with 0 on `axis`
    int64_t indices;  // of the first line
  };
  Place Find(int64_t unit) const {
    Place place{0, 0};
    for (int i = last_ - 1; i >= 0; --i) {
      if (i == axis_) continue;
      const int64_t coordinate = unit % indices_[i];
      unit /= indices_[i];
      place.data += coordinate * data_strides_[static_cast<size_t>(i)];
      place.indices += coordinate * index_strides_[static_cast<size_t>(i)];
    }
    return place;
  }

 private:
  Shape indices_;
  int axis_;
  int last_;
  std::array<int64_t, kMaxRank> data_strides_;
  std::array<int64_t, kMaxRank> index_strides_;
  int64_t units_ = 1;
  int64_t lines_ = 1;
};

// kAlongLast: `axis` is the last one, so neighbours on it are neighbours in the data.
template <bool kAlongLast, typename Index, typename Visit>
void VisitIndices(const AxisLines& lines, int64_t dim, const Index* indices, int64_t begin,
                  int64_t end, BadIndex& bad, const Visit& visit) {
  const int64_t axis_stride = lines.axis_stride();
  for (int64_t unit = begin; unit < end; ++unit) {
    const AxisLines::Place place = lines.Find(unit);
    for (int64_t line = 0; line < lines.lines(); ++line) {
      const int64_t first = place.indices + line * lines.line_step();
      for (int64_t i = 0; i < lines.line_length(); ++i) {
        int64_t index = indices[first + i];
        index += index < 0 ? dim : 0;
        if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(dim)) {
          bad.Report(first + i);
        } else {
          visit(place.data + (kAlongLast ? index : index * axis_stride + i), first + i);
        }
      }
    }
  }
}

// Calls `visit(data offset, place in the indices)` for the elements of units [begin, end), in order
// within a unit. Indices outside the data's dimension are reported and left out.
template <typename Visit>
void VisitUnits(const AxisLines& lines, int64_t dim, const IndexReader& indices, int64_t begin,
                int64_t end, BadIndex& bad, const Visit& visit) {
  const auto take = [&](const auto* from) {
    if (lines.line_stride() == 0) {
      VisitIndices<true>(lines, dim, from, begin, end, bad, visit);
    } else {
      VisitIndices<false>(lines, dim, from, begin, end, bad, visit);
    }
  };
  indices.wide() != nullptr ? take(indices.wide()) : take(indices.narrow());
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_AXIS_LINES_H_
