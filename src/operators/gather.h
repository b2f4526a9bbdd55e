// SPDX-License-Identifier: MIT
// The shapes that the gathering operators make and need.
#ifndef MULLION_OPERATORS_GATHER_H_
#define MULLION_OPERATORS_GATHER_H_

#include "base/shape.h"
#include "base/status.h"

namespace mullion::operators {

// Axis `axis` of the data (from the front) gives way to all axes of the indices.
Result<Shape> GatherTarget(const Shape& data, const Shape& indices, int axis);

// GatherElements and ScatterElements: the indices must have the data's rank and, on all axes but
// `axis`, no larger dimensions. Unknown dimensions pass.
Status CheckElementIndices(const Shape& data, const Shape& indices, int axis);

// The last axis of the indices, whose size must be known, addresses axes of the data after the
// first `batch_dims`.
Result<Shape> GatherNdTarget(const Shape& data, const Shape& indices, int64_t batch_dims);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_GATHER_H_
