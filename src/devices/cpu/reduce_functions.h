// SPDX-License-Identifier: MIT
// The functions of every reduction of ONNX, for every element type: vector kernels for float, plain
// loops for the others.
#ifndef MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_
#define MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_

#include "base/element_type.h"
#include "devices/cpu/kernels/reduction/reduce.h"

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

// For float and what PlainReduceFunctions has.
ReduceFunctions FindReduceFunctions(ReduceKind kind, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REDUCE_FUNCTIONS_H_
