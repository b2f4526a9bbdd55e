// SPDX-License-Identifier: MIT
// The walk along the output of an operator whose inputs broadcast, in runs of contiguous elements.
#ifndef MULLION_DEVICES_CPU_BROADCAST_RUNS_H_
#define MULLION_DEVICES_CPU_BROADCAST_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "device/kernel.h"
#include "devices/cpu/broadcast.h"

namespace mullion::cpu {

class BroadcastRuns {
 public:
  // An input that broadcasts: its place among the node's inputs and its elements' size, which is 1,
  // 2, 4 or 8 bytes.
  struct Operand {
    int input;
    size_t bytes;
  };
  // `chunk` is how many output elements one thread takes at once; `in_place` how many operands,
  // from the first on, may share memory with the output.
  BroadcastRuns(std::vector<Operand> operands, size_t output_bytes, int64_t chunk, int in_place);

  // Sets state and scratch memory.
  Status Bind(BindContext& context) const;

  // Computes `count` elements of the output, `y`. With two operands at most one has step 0.
  using Compute = FunctionRef<void(std::span<const AnyOperand> operands, void* y, size_t count)>;
  Status Run(RunContext& context, Compute compute) const;

  static const BroadcastPlan& PlanOf(const RunContext& context);

 private:
  std::vector<Operand> operands_;
  size_t output_bytes_;
  size_t widest_ = 1;
  int64_t chunk_;
  int in_place_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BROADCAST_RUNS_H_
