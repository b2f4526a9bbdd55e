// SPDX-License-Identifier: MIT
// Attributes that operators with sliding windows share: one number per spatial axis, and auto_pad.
#ifndef MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_
#define MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_

#include <cstdint>

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

enum class AutoPad : uint8_t { kNotSet, kSameUpper, kSameLower, kValid };

Result<AutoPad> ReadAutoPad(const Node& node);

// The `count` numbers of attribute `name`, or `fallback` for each when it is absent. Every one must
// be in [smallest, 2^31]: larger sizes cannot occur in data that fits into memory, and sums of
// smaller ones cannot overflow.
Status ReadWindowSizes(const Node& node, const char* name, int count, int64_t fallback,
                       int64_t smallest, int64_t* sizes);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_
