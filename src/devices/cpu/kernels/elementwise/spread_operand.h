// SPDX-License-Identifier: MIT
// Operands for kernels with one loop, in which every operand is contiguous.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_OPERAND_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_OPERAND_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "devices/cpu/kernels/elementwise/fill.h"
#include "devices/cpu/kernels/simd/operand.h"

namespace mullion::cpu {

// An operand as a kernel with one loop wants it: contiguous. What stands for all is written out
// once, as long as the parts that the kernel works in. A loop each for every kind of operand would
// be three times the code, for one read of the level 1 cache less.
template <typename T>
class SpreadOperand {
 public:
  static constexpr size_t kPart = 2048 / sizeof(T);

  SpreadOperand(Operand<T> operand, size_t count)
      : data_(operand.data), contiguous_(operand.step != 0) {
    if (contiguous_) return;
    Bits one;
    std::memcpy(&one, data_, sizeof(one));
    FillBytes(RepeatBits(one), part_, std::min(count, kPart) * sizeof(T));
  }

  // kPart elements, or what is left of `count`, from `begin`, which is a multiple of kPart.
  const T* From(size_t begin) const { return contiguous_ ? data_ + begin : part_; }

 private:
  using Bits = std::conditional_t<
      sizeof(T) == 1, uint8_t,
      std::conditional_t<sizeof(T) == 2, uint16_t,
                         std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

  const T* data_;
  bool contiguous_;
  alignas(64) T part_[kPart];
};

// Calls part(a, b, begin, n) for parts of `count` elements in which both operands are contiguous.
template <typename T, typename Part>
void ForContiguousParts(Operand<T> a, Operand<T> b, size_t count, Part part) {
  const SpreadOperand<T> all_a(a, count);
  const SpreadOperand<T> all_b(b, count);
  constexpr size_t kPart = SpreadOperand<T>::kPart;
  for (size_t begin = 0; begin < count; begin += kPart) {
    part(all_a.From(begin), all_b.From(begin), begin, std::min(kPart, count - begin));
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_SPREAD_OPERAND_H_
