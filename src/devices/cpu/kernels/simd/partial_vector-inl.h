// SPDX-License-Identifier: MIT
// The ends of rows: reading and writing fewer elements than a vector has lanes, for kernel files
// (see simd.h for their layout). Nothing behind the row is touched.
//
// Where the processor has masked loads that do not fault (AVX-512; AVX2 for elements of 4 and 8
// bytes), these cost about as much as whole loads and stores; elsewhere vectors are short and a
// copy through the stack does.

#if defined(MULLION_DEVICES_CPU_KERNELS_SIMD_PARTIAL_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_SIMD_PARTIAL_VECTOR_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_SIMD_PARTIAL_VECTOR_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_SIMD_PARTIAL_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

template <typename T>
constexpr bool HasMaskedMemory() {
  return !HWY_MEM_OPS_MIGHT_FAULT || (HWY_TARGET == HWY_AVX2 && sizeof(T) >= 4);
}

// Lanes from `count` on are zero. `count` may be anything up to the number of lanes.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> LoadFirst(D d, const hwy::HWY_NAMESPACE::TFromD<D>* from,
                                                size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (HasMaskedMemory<hn::TFromD<D>>()) {
    return hn::MaskedLoad(hn::FirstN(d, count), d, from);
  } else {
    if (count == hn::Lanes(d)) return hn::LoadU(d, from);
    HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())] = {};
    for (size_t i = 0; i < count; ++i) lanes[i] = from[i];
    return hn::Load(d, lanes);
  }
}

// Lanes from `count` on are `fill`.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> LoadFirstOr(D d, const hwy::HWY_NAMESPACE::TFromD<D>* from,
                                                  size_t count, hwy::HWY_NAMESPACE::Vec<D> fill) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::IfThenElse(hn::FirstN(d, count), LoadFirst(d, from, count), fill);
}

template <class D>
HWY_INLINE void StoreFirst(hwy::HWY_NAMESPACE::Vec<D> v, D d, hwy::HWY_NAMESPACE::TFromD<D>* to,
                           size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (HasMaskedMemory<hn::TFromD<D>>()) {
    hn::BlendedStore(v, hn::FirstN(d, count), d, to);
  } else {
    if (count == hn::Lanes(d)) return hn::StoreU(v, d, to);
    HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
    hn::Store(v, d, lanes);
    for (size_t i = 0; i < count; ++i) to[i] = lanes[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_PARTIAL_VECTOR_INL_H_
