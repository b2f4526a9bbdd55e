// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_MAX_UNPOOL_H_
#define MULLION_OPERATORS_MAX_UNPOOL_H_

#include "operators/int_list.h"
#include "operators/pool.h"

namespace mullion::operators {

// The shape of MaxUnpool's output: `sizes`, the content of input 2, if that is given, else what the
// MaxPool with these parameters had as its input.
Result<Shape> MaxUnpoolShape(const PoolParameters& parameters, const Shape& input,
                             const IntList* sizes);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_MAX_UNPOOL_H_
