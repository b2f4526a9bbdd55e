// SPDX-License-Identifier: MIT
// Reductions of double, integers and bool, and the reference for those of float.
#ifndef MULLION_DEVICES_CPU_REDUCE_PLAIN_H_
#define MULLION_DEVICES_CPU_REDUCE_PLAIN_H_

#include "base/element_type.h"
#include "devices/cpu/kernels/reduce.h"

namespace mullion::cpu {

enum class ReduceKind {
  kSum,
  kMean,
  kMax,
  kMin,
  kProduct,
  kL1,
  kL2,
  kSumSquare,
  kLogSum,
  kLogSumExp,
};

// For double, int32, int64, uint32, uint64; kMax and kMin also for int8, uint8 and bool. Integer
// sums and products wrap around; means and what has a root or logarithm is computed in double and
// truncated.
ReduceFunctions PlainReduceFunctions(ReduceKind kind, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REDUCE_PLAIN_H_
