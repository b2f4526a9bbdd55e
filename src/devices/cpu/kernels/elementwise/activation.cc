// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/activation.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"

#if HWY_ONCE
namespace mullion::cpu {

void ActivateRows(const Activation& activation, const ActivationRows& rows) {
  MULLION_SIMD_CALL(ActivateEach)(activation, rows);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
