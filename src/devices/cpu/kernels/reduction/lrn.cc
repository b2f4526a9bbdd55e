// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/lrn.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/lrn.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void AddSquaresTarget(const float* x, size_t n, float* sums) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < n; i += lanes) {
    const size_t count = std::min(lanes, n - i);
    const auto v = LoadFirst(d, x + i, count);
    const auto sum = LoadFirst(d, sums + i, count);
    StoreFirst(hn::MulAdd(v, v, sum), d, sums + i, count);
  }
}

void DivideByPowerTarget(const float* x, const float* sums, size_t n, float bias, float alpha,
                         float beta, float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto b = hn::Set(d, bias);
  const auto a = hn::Set(d, alpha);
  const auto minus_beta = hn::Set(d, -beta);
  for (size_t i = 0; i < n; i += lanes) {
    const size_t count = std::min(lanes, n - i);
    const auto base = hn::MulAdd(LoadFirst(d, sums + i, count), a, b);
    const auto factor = Exp(d, hn::Mul(minus_beta, Log(d, base)));
    StoreFirst(hn::Mul(LoadFirst(d, x + i, count), factor), d, y + i, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void AddSquares(const float* x, size_t n, float* sums) {
  MULLION_SIMD_CALL(AddSquaresTarget)(x, n, sums);
}

void DivideByPower(const float* x, const float* sums, size_t n, float bias, float alpha, float beta,
                   float* y) {
  MULLION_SIMD_CALL(DivideByPowerTarget)(x, sums, n, bias, alpha, beta, y);
}

}  // namespace mullion::cpu
#endif
