// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/activation.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/activation-inl.h"

#if HWY_ONCE
namespace mullion::cpu {

void ActivateRows(const Activation& activation, const ActivationRows& given) {
  ActivationRows rows = given;
  // Rows without gaps are one row.
  if (rows.x_stride == rows.columns && rows.out_stride == rows.columns &&
      (rows.residual == nullptr || rows.residual_stride == rows.columns)) {
    rows.columns *= rows.count;
    rows.count = 1;
  }
  const auto run = MULLION_SIMD_CALL(ActivateRow);
  for (int64_t i = 0; i < rows.count; ++i) {
    const float* const residual =
        rows.residual == nullptr ? nullptr : rows.residual + i * rows.residual_stride;
    run(activation, rows.x + i * rows.x_stride, residual, rows.out + i * rows.out_stride,
        static_cast<size_t>(rows.columns));
  }
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
