// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/strassen_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/strassen_sums.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Other targets do not come here (see UsesStrassen) and need no code.
inline constexpr bool kSumsAreUsed = HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_SSE4;

void SumRows(const float* upper, const float* lower, int64_t half, float* sums, int64_t step) {
  if (!kSumsAreUsed) return;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto store = [&](int64_t k, V a11, V a12, V a21, V a22) {
    float* const out = sums + k;
    hn::StoreU(hn::Add(a11, a22), d, out);
    hn::StoreU(hn::Add(a21, a22), d, out + step);
    hn::StoreU(a11, d, out + 2 * step);
    hn::StoreU(a22, d, out + 3 * step);
    hn::StoreU(hn::Add(a11, a12), d, out + 4 * step);
    hn::StoreU(hn::Sub(a21, a11), d, out + 5 * step);
    hn::StoreU(hn::Sub(a12, a22), d, out + 6 * step);
  };
  int64_t k = 0;
  for (; k + lanes <= half; k += lanes) {
    store(k, hn::LoadU(d, upper + k), hn::LoadU(d, upper + half + k), hn::LoadU(d, lower + k),
          hn::LoadU(d, lower + half + k));
  }
  if (k == half) return;
  const auto rest = static_cast<size_t>(half - k);
  store(k, LoadFirst(d, upper + k, rest), LoadFirst(d, upper + half + k, rest),
        LoadFirst(d, lower + k, rest), LoadFirst(d, lower + half + k, rest));
}

void Add(const float* a, const float* b, int64_t count, float* sums) {
  if (!kSumsAreUsed) return;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, sums + i);
  }
  for (; i < count; ++i) sums[i] = a[i] + b[i];
}

// Outputs [i, i + count) of all four quarters; kWhole: a vector of them.
template <bool kWhole>
HWY_INLINE void FinishVector(const StrassenOutput& o, int64_t i, size_t count) {
  const D d;
  const auto load = [&](const float* from) {
    return kWhole ? hn::LoadU(d, from) : LoadFirst(d, from, count);
  };
  const auto finish = [&](V sum, float* out, const float* residual) {
    if (residual != nullptr) sum = hn::Add(sum, load(residual));
    if (o.at_least_zero) sum = AtLeast(d, sum, hn::Zero(d));
    if (kWhole) return hn::StoreU(sum, d, out);
    StoreFirst(sum, d, out, count);
  };
  const auto product = [&](int n) { return hn::LoadU(d, o.products + (n - 1) * o.step + i); };
  const auto at = [&](auto* row, int64_t column) { return row == nullptr ? row : row + column; };
  const V left = o.bias == nullptr ? hn::Zero(d) : load(o.bias + i);
  const V right = o.bias == nullptr ? hn::Zero(d) : load(o.bias + o.half + i);
  const V m1 = product(1);
  const V m2 = product(2);
  const V m3 = product(3);
  const V m4 = product(4);
  const V m5 = product(5);
  finish(hn::Add(hn::Add(hn::Sub(m4, m5), hn::Add(m1, product(7))), left), o.upper + i,
         at(o.upper_residual, i));
  finish(hn::Add(hn::Add(m3, m5), right), o.upper + o.half + i, at(o.upper_residual, o.half + i));
  if (o.lower == nullptr) return;
  finish(hn::Add(hn::Add(m2, m4), left), o.lower + i, at(o.lower_residual, i));
  finish(hn::Add(hn::Add(hn::Sub(m3, m2), hn::Add(m1, product(6))), right), o.lower + o.half + i,
         at(o.lower_residual, o.half + i));
}

void FinishRows(const StrassenOutput& o) {
  if (!kSumsAreUsed) return;
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= o.columns; i += lanes) {
    FinishVector<true>(o, i, static_cast<size_t>(lanes));
  }
  if (i < o.columns) FinishVector<false>(o, i, static_cast<size_t>(o.columns - i));
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SumStrassenRows(const float* upper, const float* lower, int64_t half, float* sums,
                     int64_t step) {
  MULLION_SIMD_CALL(SumRows)(upper, lower, half, sums, step);
}

void AddHalves(const float* a, const float* b, int64_t count, float* sums) {
  MULLION_SIMD_CALL(Add)(a, b, count, sums);
}

void FinishStrassenRows(const StrassenOutput& output) { MULLION_SIMD_CALL(FinishRows)(output); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
