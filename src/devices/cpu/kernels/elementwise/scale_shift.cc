// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/scale_shift.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/scale_shift.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void ScaleShiftTarget(const float* x, float* y, size_t n, float scale, float shift) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto a = hn::Set(d, scale);
  const auto b = hn::Set(d, shift);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), a, b), d, y + i);
  if (i < n) StoreFirst(hn::MulAdd(LoadFirst(d, x + i, n - i), a, b), d, y + i, n - i);
}

void ScaleShiftColumnsTarget(const float* x, float* y, size_t rows, size_t n, const float* scale,
                             const float* shift) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t r = 0; r < rows; ++r, x += n, y += n) {
    size_t j = 0;
    for (; j + lanes <= n; j += lanes) {
      const auto a = hn::LoadU(d, scale + j);
      const auto b = hn::LoadU(d, shift + j);
      hn::StoreU(hn::MulAdd(hn::LoadU(d, x + j), a, b), d, y + j);
    }
    if (j < n) {
      const auto a = LoadFirst(d, scale + j, n - j);
      const auto b = LoadFirst(d, shift + j, n - j);
      StoreFirst(hn::MulAdd(LoadFirst(d, x + j, n - j), a, b), d, y + j, n - j);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void ScaleShift(const float* x, float* y, size_t n, float scale, float shift) {
  MULLION_SIMD_CALL(ScaleShiftTarget)(x, y, n, scale, shift);
}

void ScaleShiftColumns(const float* x, float* y, size_t rows, size_t n, const float* scale,
                       const float* shift) {
  MULLION_SIMD_CALL(ScaleShiftColumnsTarget)(x, y, rows, n, scale, shift);
}

}  // namespace mullion::cpu
#endif
