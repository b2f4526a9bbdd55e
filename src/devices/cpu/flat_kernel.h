// SPDX-License-Identifier: MIT
// Operators whose output element i hangs on element i of their first input alone.
#ifndef MULLION_DEVICES_CPU_FLAT_KERNEL_H_
#define MULLION_DEVICES_CPU_FLAT_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "device/kernel.h"

namespace mullion::cpu {

class FlatKernel : public Executable {
 public:
  Status Bind(BindContext& context) const final;
  Status Run(RunContext& context) const final;

 protected:
  // `chunk` is how many elements one thread takes at once, a multiple of 8 so that packed elements
  // are parted at whole bytes. Neither type is kString.
  FlatKernel(ElementType input, ElementType output, int64_t chunk)
      : input_(input), output_(output), chunk_(chunk) {}

  // x and y are the same when the operator runs in place, which it may when both types are one.
  virtual void Compute(const void* x, void* y, size_t count) const = 0;

 private:
  ElementType input_;
  ElementType output_;
  int64_t chunk_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_FLAT_KERNEL_H_
