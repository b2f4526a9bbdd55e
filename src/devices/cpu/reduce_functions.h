// SPDX-License-Identifier: MIT
// The functions of every reduction of ONNX, for every element type, of the instruction level in
// use.
#ifndef MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_
#define MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_

#include "base/element_type.h"
#include "devices/cpu/kernels/reduction/reduce.h"

namespace mullion::cpu {

// For float and what NumberReduceFunctions has.
ReduceFunctions FindReduceFunctions(ReduceKind kind, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_
