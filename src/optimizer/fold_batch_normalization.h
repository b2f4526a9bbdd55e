// SPDX-License-Identifier: MIT
// BatchNormalization behind a convolution with constant weights goes into the weights.
#ifndef MULLION_OPTIMIZER_FOLD_BATCH_NORMALIZATION_H_
#define MULLION_OPTIMIZER_FOLD_BATCH_NORMALIZATION_H_

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace mullion::optimizer {

// y = scale * x + shift, per channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

// What a BatchNormalization of constants does in inference.
std::optional<Affine> AffineOf(const Node& node);

// Float only, inference only. The new weights are computed in double and rounded once.
bool FoldBatchNormalization(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_BATCH_NORMALIZATION_H_
