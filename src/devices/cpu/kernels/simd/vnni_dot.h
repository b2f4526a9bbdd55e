// SPDX-License-Identifier: MIT
// Products of small integers summed in lanes of 32 bits, for files that are compiled for VNNI.
// Written as assembly because g++ 12 stores and reloads arrays of sums around the intrinsics.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_VNNI_DOT_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_VNNI_DOT_H_

#include <immintrin.h>

namespace mullion::cpu::vnni {

// Adds the products of four bytes to each lane.
inline void DotAdd(__m512i& sum, __m512i unsigned_bytes, __m512i signed_bytes) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
}

// The same of two words.
inline void DotAddWords(__m512i& sum, __m512i left, __m512i right) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
}

}  // namespace mullion::cpu::vnni

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_VNNI_DOT_H_
