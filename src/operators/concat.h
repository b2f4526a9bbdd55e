// SPDX-License-Identifier: MIT
// What joining tensors makes.
#ifndef MULLION_OPERATORS_CONCAT_H_
#define MULLION_OPERATORS_CONCAT_H_

#include <span>

#include "base/shape.h"
#include "base/status.h"
#include "operators/inference.h"

namespace mullion::operators {

// Grows `joined`, a shape so far, by `next` along `axis` (from the front); all other dimensions
// must agree, and unknown ones become known from either.
Status JoinShapes(Shape& joined, const Shape& next, int axis);

// Inference of Concat, and of what joins the same way to output 0 of `type`.
Status InferJoined(InferenceContext& context, ElementType type);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONCAT_H_
