// SPDX-License-Identifier: MIT
// Plain loops over elements that the compiler shall make vector code of.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_FOR_ELEMENTS_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_FOR_ELEMENTS_H_

#include <cstddef>

namespace mullion::cpu {

// Calls body(i) for i from `begin` to `count`, one by one: for loops that are too short or too
// seldom for the code of vectors.
template <typename Body>
[[gnu::always_inline]] inline void ForEachPlainly(size_t begin, size_t count, Body body) {
  for (size_t i = begin; i < count; ++i) {
    asm("" : "+r"(i));  // unknown to the compiler
    body(i);
  }
}

// Calls body(i) for i from 0 to count. The compiler sees that the first loop has a multiple of 32
// turns, and that no turn hangs on another, so that it needs no code for overlap and for what is
// left over, which would be most of what it makes of a loop. The body reads and writes elements i
// only; it takes its pointers by value.
template <typename Body>
[[gnu::always_inline]] inline void ForElements(size_t count, Body body) {
  const size_t whole = count & ~size_t{31};
#pragma GCC ivdep
  for (size_t i = 0; i < whole; ++i) body(i);
  ForEachPlainly(whole, count, body);
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_FOR_ELEMENTS_H_
