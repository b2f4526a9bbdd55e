// SPDX-License-Identifier: MIT
// Sums of the lanes of four vectors at once, for kernel files (see simd.h for their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_SIMD_LANE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_SIMD_LANE_SUMS_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_SIMD_LANE_SUMS_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_SIMD_LANE_SUMS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Writes the sum of each vector's lanes. All four run the same way, side by side: 13 operations on
// AVX-512, where each sum by itself takes 9.
template <class D, class V>
HWY_INLINE void SumsOfLanes([[maybe_unused]] D d, V a, V b, V c, V e, float* sums) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_TARGET == HWY_SCALAR
  const V all[] = {a, b, c, e};
  for (int j = 0; j < 4; ++j) sums[j] = hn::GetLane(all[j]);
#else
  // Of every four lanes: [a b a b], [c e c e], then [a b c e].
  const hn::Repartition<double, D> pairs;
  const V ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const V ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
  const auto ab_pairs = hn::BitCast(pairs, ab);
  const auto ce_pairs = hn::BitCast(pairs, ce);
  const V all = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, ab_pairs, ce_pairs)),
                        hn::BitCast(d, hn::InterleaveUpper(pairs, ab_pairs, ce_pairs)));
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(all, d, sums);
  } else {
    const hn::Half<D> half;
    const auto folded = hn::Add(hn::LowerHalf(half, all), hn::UpperHalf(half, all));
    if constexpr (hn::MaxLanes(half) == 4) {
      hn::StoreU(folded, half, sums);
    } else {
      const hn::Half<decltype(half)> quarter;
      hn::StoreU(hn::Add(hn::LowerHalf(quarter, folded), hn::UpperHalf(quarter, folded)), quarter,
                 sums);
    }
  }
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_LANE_SUMS_INL_H_
