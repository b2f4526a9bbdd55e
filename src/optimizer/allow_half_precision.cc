// SPDX-License-Identifier: MIT
#include "optimizer/allow_half_precision.h"

#include "operators/precision.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

void AllowHalfPrecision(Graph& graph) {
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) AllowHalfPrecision(*subgraph);
    const bool product = Is(*node, "Conv") || Is(*node, "Gemm") || Is(*node, "MatMul");
    if (product && IsFloat(node->output(0))) {
      node->SetAttribute(operators::kHalfPrecision, int64_t{1});
    }
  }
}

}  // namespace mullion::optimizer
