// SPDX-License-Identifier: MIT
// Computes in another element type what ONNX allows in one that no device has a kernel for.
#ifndef MULLION_OPTIMIZER_STAND_IN_TYPES_H_
#define MULLION_OPTIMIZER_STAND_IN_TYPES_H_

#include <string_view>

#include "graph/graph.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

// Puts Casts around the nodes of a short table: sums of 8- and 16-bit integers become sums of
// int64, of which a Cast keeps the low bits that they would have had; mixed float types become the
// widest. QLinearMatMul of 8-bit floats becomes a MatMul between DequantizeLinear and
// QuantizeLinear. Half precision is WidenHalves' affair.
bool StandInTypes(Graph& graph, const Capabilities& capabilities);

// The types that the table has another one for, for an operator of ai.onnx.
ElementTypeSet TypesStoodInFor(std::string_view operator_name);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_STAND_IN_TYPES_H_
