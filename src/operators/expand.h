// SPDX-License-Identifier: MIT
// The shape that Expand makes.
#ifndef MULLION_OPERATORS_EXPAND_H_
#define MULLION_OPERATORS_EXPAND_H_

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// The common shape of broadcasting `input` and `target`.
Result<Shape> ExpandTarget(const Shape& input, const IntList& target);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EXPAND_H_
