// SPDX-License-Identifier: MIT
// Computes nodes whose inputs are all constant, and Shape of values whose shape is known.
#ifndef MULLION_OPTIMIZER_FOLD_CONSTANTS_H_
#define MULLION_OPTIMIZER_FOLD_CONSTANTS_H_

#include <cstdint>

#include "graph/evaluator.h"
#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion::optimizer {

// What becomes of DequantizeLinear of constants: weights that integer products could use stay.
enum class Dequantizing : uint8_t { kKeep, kFold };

// Returns whether anything changed. A node that cannot be computed stays; its error comes when it
// runs, with real inputs around it.
bool FoldConstants(Graph& graph, const OperatorRegistry& registry, Evaluator& evaluator,
                   Dequantizing dequantizing = Dequantizing::kFold);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_CONSTANTS_H_
