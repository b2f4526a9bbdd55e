// SPDX-License-Identifier: MIT
// A place where islands of a graph can run.
#ifndef MULLION_DEVICE_DEVICE_H_
#define MULLION_DEVICE_DEVICE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "device/kernel.h"
#include "graph/graph.h"

namespace mullion {

class WeightStore;

// Nodes that one executable computes together. On a device that takes single nodes, one node.
struct Island {
  std::span<const Node* const> nodes;
};

class Device {
 public:
  virtual ~Device() = default;

  // "cpu", "vulkan:0": as --device and Placement() spell it.
  virtual std::string name() const = 0;
  // Whether islands should be as large as possible (accelerators) or one node each (CPU).
  virtual bool WantsLargeIslands() const = 0;

  // Whether products of float can be computed in half precision (see operators/precision.h).
  virtual bool HasHalfPrecision() const { return false; }

  // Whether this device can compute the node, whose input and output types are inferred. The error
  // says why not: no kernel, or not for these types.
  virtual Status Supports(const Node& node) const = 0;

  // Makes the island ready to run. Constant inputs are read now and packed; packed forms are shared
  // through `weights`.
  virtual Result<std::unique_ptr<Executable>> Compile(const Island& island,
                                                      WeightStore& weights) const = 0;
};

}  // namespace mullion

#endif  // MULLION_DEVICE_DEVICE_H_
