// SPDX-License-Identifier: MIT
// The shape that joining tensors makes.
#ifndef MULLION_OPERATORS_CONCAT_H_
#define MULLION_OPERATORS_CONCAT_H_

#include <span>

#include "base/shape.h"
#include "base/status.h"

namespace mullion::operators {

// Grows `joined`, a shape so far, by `next` along `axis` (from the front); all other dimensions
// must agree, and unknown ones become known from either.
Status JoinShapes(Shape& joined, const Shape& next, int axis);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONCAT_H_
