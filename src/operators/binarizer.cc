// SPDX-License-Identifier: MIT
// Binarizer: 1 where a feature is above a threshold, else 0.
#include "operators/class_scores.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

void RegisterBinarizer(OperatorRegistry& registry) {
  registry.Add({.name = "Binarizer",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferSameAsFirst});
}

}  // namespace mullion::operators
