// SPDX-License-Identifier: MIT
#include "operators/registry.h"

namespace mullion::operators {

void RegisterIdentity(OperatorRegistry& registry) {
  registry.Add({.name = "Identity", .inputs = {1, 1}, .infer = InferSameAsFirst});
}

}  // namespace mullion::operators
