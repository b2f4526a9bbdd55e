// SPDX-License-Identifier: MIT
#include "devices/cpu/cpu_device.h"

#include "devices/cpu/kernels/matrix/half_product.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

bool CpuDevice::HasHalfPrecision() const { return HalfTiles() != nullptr; }

Status CpuDevice::Supports(const Node& node) const { return BuiltInKernels().Find(node).status(); }

Result<std::unique_ptr<Executable>> CpuDevice::Compile(const Island& island,
                                                       WeightStore& weights) const {
  const Node& node = *island.nodes.front();
  MULLION_ASSIGN_OR_RETURN(const KernelDefinition* const kernel, BuiltInKernels().Find(node));
  return kernel->make(node, weights);
}

}  // namespace mullion::cpu
