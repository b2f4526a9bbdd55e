// SPDX-License-Identifier: MIT
// Which operators compute the samples of a batch (axis 0) apart from each other.
#ifndef MULLION_OPERATORS_BY_SAMPLE_H_
#define MULLION_OPERATORS_BY_SAMPLE_H_

#include <cstdint>
#include <span>

#include "base/shape.h"
#include "graph/graph.h"

namespace mullion::operators {

// The inputs of which sample n is all that sample n of the outputs hangs on, as bits, where the
// other inputs serve all samples alike; 0 where it is not so, or not known. `inputs` are concrete,
// null where left out; `output` is the shape of output 0.
uint32_t InputsBySample(const Node& node, std::span<const Shape* const> inputs,
                        const Shape& output);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_BY_SAMPLE_H_
