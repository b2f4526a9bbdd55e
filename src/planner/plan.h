// SPDX-License-Identifier: MIT
// Graph to Program: places every node on a device and compiles it there.
#ifndef MULLION_PLANNER_PLAN_H_
#define MULLION_PLANNER_PLAN_H_

#include <memory>
#include <span>

#include "base/parallel.h"
#include "device/device.h"
#include "operators/registry.h"
#include "planner/program.h"

namespace mullion {

// Everything that planning needs and the program refers to afterwards.
struct PlanContext {
  const OperatorRegistry* operators = nullptr;
  std::span<const Device* const> devices;  // in order of preference
  WeightStore* weights = nullptr;
  Parallel* parallel = nullptr;  // compiles nodes, which packs their weights
};

// `graph` is inferred and outlives the program. Constants that all their readers hold lose their
// contents. The error names the node that no device can run.
Result<std::unique_ptr<Program>> PlanGraph(Graph& graph, const PlanContext& context);

}  // namespace mullion

#endif  // MULLION_PLANNER_PLAN_H_
