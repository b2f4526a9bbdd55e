// SPDX-License-Identifier: MIT
// What operators that put inputs behind each other along an axis know of the result.
#ifndef MULLION_DEVICES_CPU_JOINED_INPUTS_H_
#define MULLION_DEVICES_CPU_JOINED_INPUTS_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "device/kernel.h"

namespace mullion::cpu {

struct JoinedInputs {
  Shape shape;  // of the result
  int axis = 0;

  // The result is `rows` rows of `row` elements; each input has a part of every row.
  int64_t rows() const { return shape.Product(0, axis); }
  int64_t row() const { return shape.Product(axis, shape.rank()); }
};

// Of inputs `first`, `first + step` and so on. Fails where they do not fit each other.
Result<JoinedInputs> JoinInputs(const RunContext& context, int64_t axis, int first = 0,
                                int step = 1);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_JOINED_INPUTS_H_
