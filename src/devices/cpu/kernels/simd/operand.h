// SPDX-License-Identifier: MIT
// How elementwise kernels see an operand that may be broadcast.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_

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

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_
