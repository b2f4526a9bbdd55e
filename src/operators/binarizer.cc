// SPDX-License-Identifier: MIT
// Binarizer: 1 where a feature is above a threshold, else 0.
#include "operators/class_scores.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

constexpr ElementTypeSet kNumbers =
    types::kFloatDouble | SetOf(ElementType::kInt32, ElementType::kInt64);

}  // namespace

void RegisterBinarizer(OperatorRegistry& registry) {
  registry.Add({.name = "Binarizer",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kNumbers,
                .infer = InferSameAsFirst});
}

}  // namespace mullion::operators
