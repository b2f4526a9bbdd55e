// SPDX-License-Identifier: MIT
#include "devices/cpu/broadcast_kernel.h"

namespace mullion::cpu {

namespace {

std::vector<BroadcastRuns::Operand> InOrder(const std::vector<size_t>& input_bytes) {
  std::vector<BroadcastRuns::Operand> operands;
  for (const size_t bytes : input_bytes) {
    operands.push_back({static_cast<int>(operands.size()), bytes});
  }
  return operands;
}

}  // namespace

BroadcastKernel::BroadcastKernel(const std::vector<size_t>& input_bytes, size_t output_bytes,
                                 int64_t chunk, int in_place)
    : runs_(InOrder(input_bytes), output_bytes, chunk, in_place) {}

Status BroadcastKernel::Bind(BindContext& context) const { return runs_.Bind(context); }

Status BroadcastKernel::Run(RunContext& context) const {
  const auto compute = [this](std::span<const AnyOperand> operands, void* y, size_t count) {
    Compute(operands, y, count);
  };
  return runs_.Run(context, compute);
}

}  // namespace mullion::cpu
