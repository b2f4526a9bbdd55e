// SPDX-License-Identifier: MIT
// The order of rewrites.
#ifndef MULLION_OPTIMIZER_PIPELINE_H_
#define MULLION_OPTIMIZER_PIPELINE_H_

#include "base/status.h"
#include "graph/evaluator.h"
#include "graph/graph.h"
#include "operators/registry.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

struct PipelineOptions {
  const OperatorRegistry* operators = nullptr;
  const Capabilities* capabilities = nullptr;
  Evaluator* evaluator = nullptr;
  bool rewrite = true;  // false: import normalisation, inference and what devices need, no more
};

// Normalises and infers `graph`, then rewrites it. The inputs' types are set. Afterwards every
// value has a type and the graph is valid.
Status Optimize(Graph& graph, const PipelineOptions& options);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_PIPELINE_H_
