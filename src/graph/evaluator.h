// SPDX-License-Identifier: MIT
// How a rewrite computes a node without knowing any device.
#ifndef MULLION_GRAPH_EVALUATOR_H_
#define MULLION_GRAPH_EVALUATOR_H_

#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion {

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // The outputs of `node`, whose inputs are `inputs` (an empty Tensor where one is left out, or
  // where only the shape matters: then `data` may be null). Only tensors.
  virtual Result<std::vector<Tensor>> Evaluate(const Node& node,
                                               std::span<const Tensor> inputs) = 0;
};

}  // namespace mullion

#endif  // MULLION_GRAPH_EVALUATOR_H_
