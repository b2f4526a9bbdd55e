// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/strassen_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/strassen_sums.cc"
#include <algorithm>
#include <limits>

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

void SumRows(const float* upper, const float* lower, int64_t half, float* sums, int64_t step,
             bool copies) {
  if (!kSumsAreUsed) return;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto store = [&](int64_t k, V a11, V a12, V a21, V a22) {
    float* const out = sums + k;
    const V s1 = hn::Add(a21, a22);
    const V s2 = hn::Sub(s1, a11);
    hn::StoreU(s1, d, out);
    hn::StoreU(s2, d, out + step);
    hn::StoreU(hn::Sub(a21, a11), d, out + 2 * step);
    hn::StoreU(hn::Sub(a12, s2), d, out + 3 * step);
    if (!copies) return;
    hn::StoreU(a11, d, out + 4 * step);
    hn::StoreU(a12, d, out + 5 * step);
    hn::StoreU(a22, d, out + 6 * step);
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

void FinishQuarter(const StrassenQuarter& q) {
  if (!kSumsAreUsed) return;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const V low = hn::Set(d, q.at_least_zero ? 0.0f : -std::numeric_limits<float>::infinity());
  for (int64_t row = 0; row < q.rows; ++row) {
    const float* const sums = q.sums + row * q.width;
    const float* const more = q.more == nullptr ? nullptr : q.more + row * q.width;
    const float* const residual =
        q.residual == nullptr ? nullptr : q.residual + row * q.residual_stride;
    float* const out = q.out + row * q.out_stride;
    for (int64_t i = 0; i < q.columns; i += lanes) {
      const auto count = static_cast<size_t>(std::min(lanes, q.columns - i));
      const bool whole = static_cast<int64_t>(count) == lanes;
      V sum = hn::LoadU(d, sums + i);
      if (more != nullptr) sum = hn::Add(sum, hn::LoadU(d, more + i));
      if (residual != nullptr) {
        sum = hn::Add(sum, whole ? hn::LoadU(d, residual + i) : LoadFirst(d, residual + i, count));
      }
      sum = AtLeast(d, sum, low);
      if (whole) {
        hn::StoreU(sum, d, out + i);
      } else {
        StoreFirst(sum, d, out + i, count);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SumStrassenRows(const float* upper, const float* lower, int64_t half, float* sums,
                     int64_t step, bool copies) {
  MULLION_SIMD_CALL(SumRows)(upper, lower, half, sums, step, copies);
}

void AddHalves(const float* a, const float* b, int64_t count, float* sums) {
  MULLION_SIMD_CALL(Add)(a, b, count, sums);
}

void FinishStrassenQuarter(const StrassenQuarter& quarter) {
  MULLION_SIMD_CALL(FinishQuarter)(quarter);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
