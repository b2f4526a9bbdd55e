// SPDX-License-Identifier: MIT
// The CPU device: one kernel per node, the reference that every other device is held to.
#ifndef MULLION_DEVICES_CPU_CPU_DEVICE_H_
#define MULLION_DEVICES_CPU_CPU_DEVICE_H_

#include "device/device.h"

namespace mullion::cpu {

class CpuDevice final : public Device {
 public:
  std::string name() const override { return "cpu"; }
  bool WantsLargeIslands() const override { return false; }
  bool HasHalfPrecision() const override;
  Status Supports(const Node& node) const override;
  Result<std::unique_ptr<Executable>> Compile(const Island& island,
                                              WeightStore& weights) const override;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CPU_DEVICE_H_
