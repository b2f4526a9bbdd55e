// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/float_unary.h"

#include "devices/cpu/kernels/elementwise/float_function.h"

namespace mullion::cpu {

void FloatUnary(const operators::ElementwiseStep& step, const float* x, float* y, size_t count) {
  using Op = operators::ElementwiseOp;
  if (step.op <= Op::kSigmoid) {
    FloatFunction(step, x, y, count);
  } else if (step.op <= Op::kAtanh) {
    FloatTrigonometry(step, x, y, count);
  } else {
    FloatActivation(step, x, y, count);
  }
}

}  // namespace mullion::cpu
