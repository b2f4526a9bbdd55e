// SPDX-License-Identifier: MIT
// How elementwise kernels see an operand that may be broadcast.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_

#include <algorithm>
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
    // Whole blocks, so that vectors are written, which are what is read.
    constexpr size_t kBlock = 64 / sizeof(T);
    const T one = *data_;
    for (size_t i = 0; i < std::min(count, kPart); i += kBlock) {
      for (size_t k = 0; k < kBlock; ++k) part_[i + k] = one;
    }
  }

  // kPart elements, or what is left of `count`, from `begin`, which is a multiple of kPart.
  const T* From(size_t begin) const { return contiguous_ ? data_ + begin : part_; }

 private:
  const T* data_;
  bool contiguous_;
  T part_[kPart];
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

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_OPERAND_H_
