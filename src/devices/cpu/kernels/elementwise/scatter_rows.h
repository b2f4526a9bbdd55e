// SPDX-License-Identifier: MIT
// How ScatterElements and ScatterND combine updates with the values that are there.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCATTER_ROWS_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCATTER_ROWS_H_

#include <cstdint>

#include "base/element_type.h"
#include "operators/scatter.h"

namespace mullion::cpu {

// Updates of one tensor: rows of `length` elements that lie `stride` elements apart.
struct UpdateRows {
  const void* updates;
  int64_t stride;
  int64_t length;
};

class ScatterRows {
 public:
  // Of a numeric type, by any reduction but kNone; others must not be taken in.
  ScatterRows(operators::ScatterReduction reduction, ElementType type);

  // Takes row i in at y[places[i]], for i from 0 to `count` one after the other, as they may meet.
  // Integers wrap; the greatest and the least of a number and NaN is NaN, as in numpy.
  void Take(const UpdateRows& rows, const int64_t* places, int64_t count, void* y) const {
    take_(rows, places, count, key_, y);
  }

 private:
  using Function = void(const UpdateRows& rows, const int64_t* places, int64_t count, uint64_t key,
                        void* y);

  Function* take_ = nullptr;
  uint64_t key_ = 0;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SCATTER_ROWS_H_
