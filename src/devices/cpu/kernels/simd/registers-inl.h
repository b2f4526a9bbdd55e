// SPDX-License-Identifier: MIT
// What compilers are not to undo, for kernel files (see simd.h for their layout): loops that have
// as many registers as they need only where each number stays in the one that it was put into.

#if defined(MULLION_DEVICES_CPU_KERNELS_SIMD_REGISTERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_SIMD_REGISTERS_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_SIMD_REGISTERS_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_SIMD_REGISTERS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Keeps g++ from reading memory again for every use of a loaded vector, where loads are what binds.
template <class V>
HWY_INLINE void KeepInRegister([[maybe_unused]] V& v) {
#if HWY_COMPILER_GCC && HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  __asm__("" : "+v"(v.raw));
#endif
}

// Keeps g++ from working out anew what a pointer is from others at known distances: from making one
// address of several, or a register for each step of a walk, which it would have too few for.
template <typename T>
HWY_INLINE void KeepPointer([[maybe_unused]] T*& pointer) {
#if HWY_COMPILER_GCC
  __asm__("" : "+r"(pointer));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_REGISTERS_INL_H_
