// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_AFFINE_GRID_H_
#define MULLION_OPERATORS_AFFINE_GRID_H_

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// [N, spatial..., spatial rank] for matrices `theta` [N, 2, 3] or [N, 3, 4] and `size`
// (N, C, spatial...).
Result<Shape> AffineGridShape(const Shape& theta, const IntList& size);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_AFFINE_GRID_H_
