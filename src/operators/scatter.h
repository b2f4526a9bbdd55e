// SPDX-License-Identifier: MIT
// What the scattering operators' parameters mean.
#ifndef MULLION_OPERATORS_SCATTER_H_
#define MULLION_OPERATORS_SCATTER_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// How an update meets the value that is there. kMax and kMin came with opset 18.
enum class ScatterReduction : uint8_t { kNone, kAdd, kMul, kMax, kMin };

Result<ScatterReduction> ScatterReductionOf(const Node& node);

// ScatterND: the updates must have the indices' shape without its last axis, followed by the axes
// of the data that the indices do not address. Unknown dimensions pass.
Status CheckScatterNd(const Shape& data, const Shape& indices, const Shape& updates);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SCATTER_H_
