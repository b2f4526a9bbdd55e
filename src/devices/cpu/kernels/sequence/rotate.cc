// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/sequence/rotate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/sequence/rotate.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;

void RotateNeighbours(const float* x, const float* cosines, const float* sines, size_t count,
                      float* y) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    const auto turned = hn::Mul(hn::Shuffle2301(v), hn::LoadU(d, sines + i));
    hn::StoreU(hn::MulAdd(v, hn::LoadU(d, cosines + i), turned), d, y + i);
  }
#endif
  for (; i < count; ++i) y[i] = x[i] * cosines[i] + x[i ^ 1] * sines[i];
}

void RotateHalves(const float* x, const float* cosines, const float* sines, size_t half, float* y) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const auto a = hn::LoadU(d, x + i);
    const auto b = hn::LoadU(d, x + half + i);
    const auto cosine = hn::LoadU(d, cosines + i);
    const auto sine = hn::LoadU(d, sines + i);
    hn::StoreU(hn::NegMulAdd(b, sine, hn::Mul(a, cosine)), d, y + i);
    hn::StoreU(hn::MulAdd(a, sine, hn::Mul(b, cosine)), d, y + half + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    y[i] = a * cosines[i] - b * sines[i];
    y[half + i] = b * cosines[i] + a * sines[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void RotateNeighbours(const float* x, const float* cosines, const float* sines, size_t count,
                      float* y) {
  MULLION_SIMD_CALL(RotateNeighbours)(x, cosines, sines, count, y);
}

void RotateHalves(const float* x, const float* cosines, const float* sines, size_t half, float* y) {
  MULLION_SIMD_CALL(RotateHalves)(x, cosines, sines, half, y);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
