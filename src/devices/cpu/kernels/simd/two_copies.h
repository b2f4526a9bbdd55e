// SPDX-License-Identifier: MIT
// Kernels of which there are two copies: one for what all processors have in common, and one for
// AVX2, with its minima of all types and products of 32 bits, for loops that gain nothing by wider
// vectors. To be included behind simd.h, and with MULLION_SCALAR_IN_USE defined before it.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_TWO_COPIES_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_TWO_COPIES_H_

// Whether the target that is just compiled is one of the two.
#define MULLION_IS_OF_TWO_COPIES (HWY_TARGET == HWY_STATIC_TARGET || HWY_TARGET == HWY_AVX2)

// The copy of FUNCTION for the level in use: a pointer to call.
#define MULLION_TWO_COPIES_CALL(FUNCTION)                                                   \
  (::mullion::cpu::CurrentIsa() >= ::mullion::cpu::Isa::kAvx2 ? MULLION_SIMD_AVX2(FUNCTION) \
                                                              : MULLION_SIMD_SCALAR(FUNCTION))

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_TWO_COPIES_H_
