// SPDX-License-Identifier: MIT
// Runs one executable outside a program: for constant folding and for arithmetic that can be done
// when shapes are bound.
#ifndef MULLION_RUNTIME_RUN_NODE_H_
#define MULLION_RUNTIME_RUN_NODE_H_

#include <vector>

#include "device/device.h"
#include "device/kernel.h"
#include "graph/evaluator.h"
#include "operators/registry.h"

namespace mullion {

// The outputs of `executable`, made from `node`, for tensor inputs (an empty Tensor where one is
// left out) and the outputs' types as they are inferred from these. Serial. Every output owns its
// memory.
Result<std::vector<Tensor>> RunNode(const Node& node, const Executable& executable,
                                    std::span<const Tensor> inputs,
                                    std::span<const TypeInfo> types);

// The optimizer's evaluator: nodes run on a device's kernels.
class DeviceEvaluator final : public Evaluator {
 public:
  DeviceEvaluator(const Device& device, const OperatorRegistry& operators, WeightStore& weights)
      : device_(device), operators_(operators), weights_(weights) {}
  Result<std::vector<Tensor>> Evaluate(const Node& node, std::span<const Tensor> inputs) override;

 private:
  const Device& device_;
  const OperatorRegistry& operators_;
  WeightStore& weights_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_RUN_NODE_H_
