// SPDX-License-Identifier: MIT
// What the linear models of ai.onnx.ml have in common.
#ifndef MULLION_OPERATORS_LINEAR_MODEL_H_
#define MULLION_OPERATORS_LINEAR_MODEL_H_

#include <cstdint>

#include "graph/graph.h"

namespace mullion::operators {

// Features that each of `scores` rows of coefficients is for: what the input is declared to have,
// else as many as there are coefficients for. Exporters wrote models with more coefficients than
// that; the first scores * features are the model, as ONNX Runtime reads them.
inline int64_t LinearFeatures(const Node& node, int64_t scores) {
  const auto all = static_cast<int64_t>(node.FloatsAttribute("coefficients").size()) / scores;
  const Value* const input = node.input(0);
  if (input == nullptr || !input->type.has_shape || input->type.shape.rank() == 0) return all;
  const int64_t declared = input->type.shape.Back(0);
  return declared >= 0 && declared <= all ? declared : all;
}

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LINEAR_MODEL_H_
