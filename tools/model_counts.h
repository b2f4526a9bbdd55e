// SPDX-License-Identifier: MIT
// What `mullion info` counts in a graph.
#ifndef MULLION_TOOLS_MODEL_COUNTS_H_
#define MULLION_TOOLS_MODEL_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "graph/graph.h"

namespace mullion::tools {

struct ModelCounts {
  std::map<std::string, int> operators;  // with domain where it is not ai.onnx, subgraphs included
  int64_t parameters = 0;                // elements of constants
  // Multiply-accumulates of convolutions, matrix products and recurrent operators whose shapes are
  // known; control-flow bodies left out.
  int64_t macs = 0;
};

// Counts a graph as it was read.
ModelCounts CountOperators(const Graph& graph);
// Of an inferred graph.
int64_t CountMacs(const Graph& graph);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_MODEL_COUNTS_H_
