// SPDX-License-Identifier: MIT
// Highway, cut to the instruction sets that Mullion compiles for, with a run-time choice of our own
// so that the library links to nothing of Highway's.
//
// A kernel file `kernels/foo.cc` looks like this:
//
//   #include "devices/cpu/kernels/foo.h"
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "devices/cpu/kernels/foo.cc"
//   #include "devices/cpu/kernels/simd/simd.h"         // Highway's foreach_target and highway.h
//   HWY_BEFORE_NAMESPACE();
//   namespace mullion::cpu { namespace HWY_NAMESPACE {
//   namespace hn = hwy::HWY_NAMESPACE;
//   void Foo(const float* x, float* y, size_t n) { ... }
//   } }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace mullion::cpu {
//   void Foo(const float* x, float* y, size_t n) { MULLION_SIMD_CALL(Foo)(x, y, n); }
//   }
//   #endif
//
// The file is compiled once per target: SCALAR, SSE4, AVX2 and AVX3 (AVX-512) on x86, NEON on Arm.
// SCALAR has one lane; operations that move between lanes do not exist there.
// No include guard: everything but the part below is meant to be seen once per target.

#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_ONCE_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_ONCE_H_

#include "devices/cpu/kernels/simd/isa.h"

// Vectors whose length is not known when compiling: no table below has them.
#define MULLION_NO_SVE (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#if defined(MULLION_ONE_TARGET)
// Sanitizer builds: the baseline and AVX2 only, to keep the build short.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL | MULLION_NO_SVE)
#else
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | MULLION_NO_SVE)
#endif

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_ONCE_H_

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// No processor that runs the scalar level is in a hurry, but where SSE4 takes it, too: files which
// define MULLION_SCALAR_IN_USE. Small code for the others: a quarter less.
#if HWY_TARGET == HWY_SCALAR && HWY_COMPILER_GCC_ACTUAL && defined(__OPTIMIZE__) && \
    !defined(MULLION_SCALAR_IN_USE)
#undef HWY_BEFORE_NAMESPACE
#define HWY_BEFORE_NAMESPACE()   \
  HWY_PRAGMA(GCC push_options)   \
  HWY_PRAGMA(GCC optimize("Os")) \
  static_assert(true, "")
#undef HWY_AFTER_NAMESPACE
#define HWY_AFTER_NAMESPACE() \
  HWY_PRAGMA(GCC pop_options) \
  static_assert(true, "")
#endif

#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_CALL_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_CALL_H_

// The index into the tables below of the level in use.
namespace mullion::cpu {
inline int SimdIndex() {
  switch (CurrentIsa()) {
    case Isa::kScalar:
      return 0;
    case Isa::kNeon:
      return 1;
    case Isa::kSse4:
      return 2;
    case Isa::kAvx2:
      return 3;
    default:
      return 4;
  }
}
}  // namespace mullion::cpu

#if HWY_TARGETS & HWY_SCALAR
#define MULLION_SIMD_SCALAR(FUNCTION) &N_SCALAR::FUNCTION
#else
#define MULLION_SIMD_SCALAR(FUNCTION) &HWY_STATIC_NAMESPACE_::FUNCTION
#endif
#if HWY_TARGETS & HWY_NEON
#define MULLION_SIMD_NEON(FUNCTION) &N_NEON::FUNCTION
#else
#define MULLION_SIMD_NEON(FUNCTION) MULLION_SIMD_SCALAR(FUNCTION)
#endif
#if HWY_TARGETS & HWY_SSE4
#define MULLION_SIMD_SSE4(FUNCTION) &N_SSE4::FUNCTION
#else
#define MULLION_SIMD_SSE4(FUNCTION) MULLION_SIMD_SCALAR(FUNCTION)
#endif
#if HWY_TARGETS & HWY_AVX2
#define MULLION_SIMD_AVX2(FUNCTION) &N_AVX2::FUNCTION
#else
#define MULLION_SIMD_AVX2(FUNCTION) MULLION_SIMD_SSE4(FUNCTION)
#endif
#if HWY_TARGETS & HWY_AVX3
#define MULLION_SIMD_AVX3(FUNCTION) &N_AVX3::FUNCTION
#else
#define MULLION_SIMD_AVX3(FUNCTION) MULLION_SIMD_AVX2(FUNCTION)
#endif

// Targets without N_SCALAR (NEON or wasm baselines, other compilers) have one static target.
#if HWY_STATIC_TARGET == HWY_NEON
#define HWY_STATIC_NAMESPACE_ N_NEON
#elif HWY_STATIC_TARGET == HWY_WASM
#define HWY_STATIC_NAMESPACE_ N_WASM
#elif HWY_STATIC_TARGET == HWY_EMU128
#define HWY_STATIC_NAMESPACE_ N_EMU128
#elif HWY_STATIC_TARGET == HWY_SSE4
#define HWY_STATIC_NAMESPACE_ N_SSE4
#elif HWY_STATIC_TARGET == HWY_AVX2
#define HWY_STATIC_NAMESPACE_ N_AVX2
#elif HWY_STATIC_TARGET == HWY_AVX3
#define HWY_STATIC_NAMESPACE_ N_AVX3
#endif

// The variant of FUNCTION for the level in use: a pointer to call. FUNCTION may not be overloaded.
#define MULLION_SIMD_CALL(FUNCTION)                                                              \
  ([]() {                                                                                        \
    using Pointer = decltype(MULLION_SIMD_SCALAR(FUNCTION));                                     \
    static constexpr Pointer kTable[] = {                                                        \
        MULLION_SIMD_SCALAR(FUNCTION), MULLION_SIMD_NEON(FUNCTION), MULLION_SIMD_SSE4(FUNCTION), \
        MULLION_SIMD_AVX2(FUNCTION), MULLION_SIMD_AVX3(FUNCTION)};                               \
    return kTable[::mullion::cpu::SimdIndex()];                                                  \
  }())

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_CALL_H_
