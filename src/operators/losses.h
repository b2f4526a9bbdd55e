// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_LOSSES_H_
#define MULLION_OPERATORS_LOSSES_H_

#include <optional>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
struct LossParameters {
  enum class Reduction { kNone, kSum, kMean };

  static Result<LossParameters> FromNode(const Node& node);

  Reduction reduction = Reduction::kMean;
  std::optional<int64_t> ignored;  // targets that do not count
};

// [N, D1, ...] for scores [N, C, D1, ...]: the shape of targets and of a loss that is not reduced.
Shape LossShape(const Shape& scores);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LOSSES_H_
