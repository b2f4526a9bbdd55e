// SPDX-License-Identifier: MIT
// What CenterCropPad does to a shape.
#ifndef MULLION_OPERATORS_CENTER_CROP_PAD_H_
#define MULLION_OPERATORS_CENTER_CROP_PAD_H_

#include <span>

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// The dimensions of `axes` (all when empty) become those of `target`.
Result<Shape> CenterCropPadTarget(const Shape& input, const IntList& target,
                                  std::span<const int64_t> axes);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CENTER_CROP_PAD_H_
