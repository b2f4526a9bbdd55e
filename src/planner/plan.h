// SPDX-License-Identifier: MIT
// Graph to Program: places every node on a device and compiles it there.
#ifndef MULLION_PLANNER_PLAN_H_
#define MULLION_PLANNER_PLAN_H_

#include <memory>
#include <span>

#include "device/device.h"
#include "operators/registry.h"
#include "planner/program.h"

namespace mullion {

// Everything that planning needs and the program refers to afterwards.
struct PlanContext {
  const OperatorRegistry* operators = nullptr;
  std::span<const Device* const> devices;  // in order of preference
  WeightStore* weights = nullptr;
};

// `graph` is inferred and outlives the program. The error names the node that no device can run.
Result<std::unique_ptr<Program>> PlanGraph(const Graph& graph, const PlanContext& context);

}  // namespace mullion

#endif  // MULLION_PLANNER_PLAN_H_
