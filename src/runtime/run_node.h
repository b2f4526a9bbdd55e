// SPDX-License-Identifier: MIT
// Runs one executable outside a program: for constant folding and for arithmetic that can be done
// when shapes are bound.
#ifndef MULLION_RUNTIME_RUN_NODE_H_
#define MULLION_RUNTIME_RUN_NODE_H_

#include <vector>

#include "base/memory.h"
#include "device/device.h"
#include "device/kernel.h"
#include "graph/evaluator.h"
#include "operators/registry.h"

namespace mullion {

// Runs one node after the other, serially. What it needs besides their outputs stays for the next.
class NodeRunner {
 public:
  // The inputs of the node to come, in order; contents may be null where only the shape matters.
  void Begin() { input_count_ = 0; }
  void AddInput(const TensorView& input);
  void LeaveOutInput();

  // Runs `executable`, made from `node`. `types` are those of the outputs as they are inferred.
  Status Run(const Node& node, const Executable& executable, std::span<const TypeInfo> types);
  // What came out, which owns its memory; an empty Tensor for an output that nobody wants. Only
  // once after a run.
  Tensor TakeOutput(size_t i) { return std::move(outputs_[i].tensor); }

 private:
  Status PrepareOutputs(const Node& node, std::span<const TypeInfo> types);
  Status Bind(const Node& node, const Executable& executable, std::unique_ptr<BoundState>& state);

  // These lists only grow.
  size_t input_count_ = 0;
  std::vector<Datum> inputs_;
  std::vector<Datum> outputs_;
  std::vector<BindContext::Port> ports_;
  // Of the node at hand.
  std::vector<const Datum*> input_data_;
  std::vector<Datum*> output_data_;
  std::vector<const BindContext::Port*> port_pointers_;
  AlignedBuffer scratch_;
  size_t scratch_bytes_ = 0;
};

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
