// SPDX-License-Identifier: MIT
// How ScatterElements and ScatterND combine an update with the value that is there.
#ifndef MULLION_DEVICES_CPU_SCATTER_REDUCE_H_
#define MULLION_DEVICES_CPU_SCATTER_REDUCE_H_

#include <cstdint>

#include "base/element_traits.h"
#include "devices/cpu/wrapping.h"
#include "operators/scatter.h"

namespace mullion::cpu {

template <typename T>
T Reduce(operators::ScatterReduction reduction, T present, T update) {
  using operators::ScatterReduction;
  using W = Wrapping<T>;
  const auto a = static_cast<ComputeType<T>>(present);
  const auto b = static_cast<ComputeType<T>>(update);
  switch (reduction) {
    case ScatterReduction::kAdd:
      return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
    case ScatterReduction::kMul:
      return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
    // NaN stays NaN, as in numpy. Asked for by itself, as it is foreseen; which number is greater
    // is not, and processors choose without a branch.
    case ScatterReduction::kMax:
      return b != b ? update : b > a ? update : present;
    case ScatterReduction::kMin:
      return b != b ? update : b < a ? update : present;
    default:
      return update;
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_SCATTER_REDUCE_H_
