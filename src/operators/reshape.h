// SPDX-License-Identifier: MIT
// The shapes that Reshape, Flatten, Squeeze and Unsqueeze make. All of them keep the elements where
// they are. Input shapes may have unknown dimensions; errors are without a node.
#ifndef MULLION_OPERATORS_RESHAPE_H_
#define MULLION_OPERATORS_RESHAPE_H_

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// `target` may hold one -1, which takes what is left, and zeros, which copy the input's dimension
// unless `allow_zero` (Reshape-14) makes them stand for themselves.
Result<Shape> ReshapeTarget(const Shape& input, const IntList& target, bool allow_zero);

// Two dimensions: the products before and from `axis`, which may be the rank itself.
Result<Shape> FlattenTarget(const Shape& input, int64_t axis);

// Without axes: every dimension of 1 goes. Unknown dimensions that are named count as 1.
Result<Shape> SqueezeTarget(const Shape& input, IntList axes);

// `axes` are positions in the output.
Result<Shape> UnsqueezeTarget(const Shape& input, IntList axes);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_RESHAPE_H_
