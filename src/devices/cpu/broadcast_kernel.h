// SPDX-License-Identifier: MIT
// Operators that combine broadcast operands element by element.
#ifndef MULLION_DEVICES_CPU_BROADCAST_KERNEL_H_
#define MULLION_DEVICES_CPU_BROADCAST_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "device/kernel.h"
#include "devices/cpu/broadcast_runs.h"
#include "devices/cpu/kernels/simd/operand.h"

namespace mullion::cpu {

// All inputs are operands.
class BroadcastKernel : public Executable {
 public:
  Status Bind(BindContext& context) const final;
  Status Run(RunContext& context) const final;

 protected:
  // `input_bytes` are the sizes of each input's elements: 1, 2, 4 or 8 bytes. `chunk` is how many
  // output elements one thread takes at once; `in_place` how many inputs, from the first on, may
  // share memory with the output.
  BroadcastKernel(const std::vector<size_t>& input_bytes, size_t output_bytes, int64_t chunk,
                  int in_place);

  // Computes `count` elements of the output. With two operands at most one has step 0.
  virtual void Compute(std::span<const AnyOperand> operands, void* y, size_t count) const = 0;

 private:
  BroadcastRuns runs_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BROADCAST_KERNEL_H_
