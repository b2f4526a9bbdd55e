// SPDX-License-Identifier: MIT
// What Slice's starts, ends, axes and steps mean.
#ifndef MULLION_OPERATORS_SLICE_H_
#define MULLION_OPERATORS_SLICE_H_

#include <array>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// The elements start, start + step, ... of one axis: `count` of them, all inside the dimension.
// A count of kUnknownDim: the dimension is unknown.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

struct SliceRanges {
  int rank = 0;
  std::array<SliceRange, kMaxRank> axes;

  Shape shape() const;
  // True when every element stays where it is.
  bool IsWhole(const Shape& input) const;
};

// The range of one axis by the rules of Slice-10: negative positions count from the end, and all
// are clamped to the axis. `step` must not be 0.
SliceRange ResolveRange(int64_t dim, int64_t start, int64_t end, int64_t step);

// `axes` and `steps` may be null: the first axes, and 1.
Result<SliceRanges> ResolveSlice(const Shape& input, const IntList& starts, const IntList& ends,
                                 const IntList* axes, const IntList* steps);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SLICE_H_
