// SPDX-License-Identifier: MIT
// A model's graph made ready for planning.
#ifndef MULLION_RUNTIME_PREPARE_GRAPH_H_
#define MULLION_RUNTIME_PREPARE_GRAPH_H_

#include <memory>
#include <span>
#include <vector>

#include "device/device.h"
#include "graph/model.h"
#include "operators/registry.h"
#include "runtime/session.h"

namespace mullion {

struct PreparedGraph {
  // Those of the model with the sizes that the options fix.
  std::vector<FeatureInfo> inputs;
  std::vector<FeatureInfo> outputs;
  std::unique_ptr<Graph> graph;
};

// Optimizes a copy of the model's graph; that of a compiled model is only inferred, which checks
// it, and computes in float, for which its weights are packed.
Result<PreparedGraph> PrepareGraph(const Model& model, std::span<const Device* const> devices,
                                   const OperatorRegistry& operators,
                                   const SessionOptions& options);

}  // namespace mullion

#endif  // MULLION_RUNTIME_PREPARE_GRAPH_H_
