// SPDX-License-Identifier: MIT
// Reductions of double, integers and bool.
#ifndef MULLION_DEVICES_CPU_REDUCE_PLAIN_H_
#define MULLION_DEVICES_CPU_REDUCE_PLAIN_H_

#include "base/element_type.h"
#include "devices/cpu/reduce_functions.h"

namespace mullion::cpu {

// For double, int32, int64, uint32, uint64; kMax and kMin also for int8, uint8 and bool. Integer
// sums and products wrap around; means and what has a root or logarithm is computed in double and
// truncated.
ReduceFunctions PlainReduceFunctions(ReduceKind kind, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REDUCE_PLAIN_H_
