// SPDX-License-Identifier: MIT
// What Constant and Range stand for.
#ifndef MULLION_OPERATORS_CONSTANT_H_
#define MULLION_OPERATORS_CONSTANT_H_

#include <cstdint>
#include <string_view>

#include "base/element_traits.h"
#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion::operators {

// The tensor that a Constant node holds in one of its attributes (value, value_ints, ...).
Result<Tensor> ConstantValue(const Node& node);

// The types of Range; the 16-bit floats came with opset 27.
using RangeTypes = TypeList<float, double, int16_t, int32_t, int64_t, Float16, Bfloat16>;

// How many elements a range has; -1 when it cannot be: a delta of 0, NaN, or far too many.
int64_t RangeCount(double start, double limit, double delta);
int64_t RangeCount(int64_t start, int64_t limit, int64_t delta);
// The same of three scalars of one of RangeTypes.
int64_t RangeCount(const TensorView& start, const TensorView& limit, const TensorView& delta);

inline constexpr std::string_view kRangeProblem =
    "the range has no end: 'delta' must not be 0, and 'start', 'limit' and 'delta' must be numbers "
    "that are not too far apart";

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONSTANT_H_
