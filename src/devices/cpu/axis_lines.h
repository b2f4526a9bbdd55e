// SPDX-License-Identifier: MIT
// Walks over the indices of GatherElements and ScatterElements line by line.
#ifndef MULLION_DEVICES_CPU_AXIS_LINES_H_
#define MULLION_DEVICES_CPU_AXIS_LINES_H_

#include <array>
#include <cstdint>

#include "base/function_ref.h"
#include "base/shape.h"
#include "devices/cpu/index_reader.h"

namespace mullion::cpu {

// Data and indices have the same rank; on axes other than `axis` the indices may be smaller. Units
// are the combinations of all coordinates but those on `axis` and on the last axis; within a unit
// there is a line along the last axis for every position on `axis` (one line when `axis` is the
// last). Units never meet in the data, so threads may take them separately.
class AxisLines {
 public:
  AxisLines(const Shape& data, const Shape& indices, int axis);

  int64_t units() const { return units_; }
  int64_t unit_elements() const { return lines_ * indices_[last_]; }

  // Calls `visit(places, first, count)` for the indices of units [begin, end), in order within a
  // unit: index `first + i` names element places[i] of the data. Ends at an index outside the
  // data's dimension, which is reported.
  void Visit(const IndexReader& indices, int64_t begin, int64_t end, BadIndex& bad,
             FunctionRef<void(const int64_t* places, int64_t first, int64_t count)> visit) const;

 private:
  // Of a unit.
  struct Place {
    int64_t data = 0;     // with 0 on `axis`
    int64_t indices = 0;  // of the first line
    std::array<int64_t, kMaxRank> at{};
  };
  Place Find(int64_t unit) const;
  void Step(Place& place) const;

  Shape indices_;
  int axis_;
  int last_;
  int64_t dim_;  // of the data along `axis`
  std::array<int64_t, kMaxRank> data_strides_;
  std::array<int64_t, kMaxRank> index_strides_;
  int64_t units_ = 1;
  int64_t lines_ = 1;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_AXIS_LINES_H_
