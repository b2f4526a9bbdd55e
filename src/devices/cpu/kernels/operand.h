// SPDX-License-Identifier: MIT
// How elementwise kernels see an operand that may be broadcast.
#ifndef MULLION_DEVICES_CPU_KERNELS_OPERAND_H_
#define MULLION_DEVICES_CPU_KERNELS_OPERAND_H_

#include <cstddef>

namespace mullion::cpu {

// A run of elements: contiguous ones (step 1), or one that stands for all (step 0).
template <typename T>
struct Operand {
  const T* data;
  int step;
};

// The same before its element type is known.
struct AnyOperand {
  const void* data;
  int step;
  template <typename T>
  Operand<T> As() const {
    return {static_cast<const T*>(data), step};
  }
};

// y[i] = function(a[i], b[i]) for `count` elements; at most one operand has step 0. The three loops
// are apart so that the compiler can make vector code of each.
template <typename T, typename Y, typename Function>
void ForOperandRows(Operand<T> a, Operand<T> b, Y* y, size_t count, Function function) {
  if (a.step == 0) {
    const T one = *a.data;
    for (size_t i = 0; i < count; ++i) y[i] = function(one, b.data[i]);
  } else if (b.step == 0) {
    const T one = *b.data;
    for (size_t i = 0; i < count; ++i) y[i] = function(a.data[i], one);
  } else {
    for (size_t i = 0; i < count; ++i) y[i] = function(a.data[i], b.data[i]);
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_OPERAND_H_
