// SPDX-License-Identifier: MIT
// Turns float operators between DequantizeLinear and QuantizeLinear nodes into operators on bytes.
#ifndef MULLION_OPTIMIZER_FUSE_QUANTIZED_H_
#define MULLION_OPTIMIZER_FUSE_QUANTIZED_H_

#include "graph/evaluator.h"
#include "graph/graph.h"
#include "operators/registry.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

// Convolutions and matrix products become QLinearConv and QLinearMatMul, or MatMulIntegerToFloat
// where nothing quantizes what they make of constant weights, functions of one byte
// ByteTable, sums and products QLinearAdd and QLinearMul, and what only moves elements moves bytes;
// what is computed by channel between two quantizations makes RescaledConv and RescaledMatMul.
// Weights must not have been folded to floats yet. Products are summed as integers, exactly; all
// else gives the bits that the float operators would have given.
bool FuseQuantized(Graph& graph, const OperatorRegistry& registry, const Capabilities& capabilities,
                   Evaluator& evaluator);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_QUANTIZED_H_
