// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/simd/places.h"

#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/simd/places.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Told without a branch for each index: one that lies too low leaves a negative number, one that
// lies too high takes dim - 1 below zero.
template <typename Index>
bool FindPlacesOf(const PlaceLine& line, const Index* indices, size_t count, int64_t* places) {
  const auto dim = static_cast<uint64_t>(line.dim);
  const auto stride = static_cast<uint64_t>(line.stride);
  uint64_t outside = 0;
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<int64_t> d;
  const hn::RepartitionToNarrow<decltype(d)> d32;
  const hn::RebindToUnsigned<decltype(d32)> du32;
  const size_t lanes = hn::Lanes(d);
  const auto dims = hn::Set(d, line.dim);
  const auto last = hn::Set(d, line.dim - 1);
  const auto strides = hn::BitCast(du32, hn::Set(d, line.stride));
  const auto step = hn::Set(d, line.step * static_cast<int64_t>(lanes));
  auto at = hn::Add(hn::Set(d, line.base), line.step == 0 ? hn::Zero(d) : hn::Iota(d, 0));
  auto bad = hn::Zero(d);
  // Products of factors below 2^32.
  const bool narrow = (dim | stride) >> 32 == 0;
  for (; narrow && i + lanes <= count; i += lanes) {
    hn::Vec<decltype(d)> index;
    if constexpr (std::is_same_v<Index, int64_t>) {
      index = hn::LoadU(d, indices + i);
    } else {
      index = hn::PromoteTo(d, hn::LoadU(hn::Rebind<int32_t, decltype(d)>(), indices + i));
    }
    index = hn::IfNegativeThenElse(index, hn::Add(index, dims), index);
    bad = hn::Or(bad, hn::Or(index, hn::Sub(last, index)));
    const auto product = hn::BitCast(d, hn::MulEven(hn::BitCast(du32, index), strides));
    hn::StoreU(hn::Add(product, at), d, places + i);
    at = hn::Add(at, step);
  }
  outside = hn::AllFalse(d, hn::Lt(bad, hn::Zero(d))) ? 0 : ~uint64_t{0};
#endif
  for (; i < count; ++i) {
    const int64_t index = indices[i];
    const uint64_t front = static_cast<uint64_t>(index) + (index < 0 ? dim : 0);
    outside |= front | (dim - 1 - front);
    places[i] = static_cast<int64_t>(front * stride + static_cast<uint64_t>(line.base) +
                                     static_cast<uint64_t>(line.step) * i);
  }
  return outside >> 63 == 0;
}

bool FindWidePlaces(const PlaceLine& line, const int64_t* indices, size_t count, int64_t* places) {
  return FindPlacesOf(line, indices, count, places);
}
bool FindNarrowPlaces(const PlaceLine& line, const int32_t* indices, size_t count,
                      int64_t* places) {
  return FindPlacesOf(line, indices, count, places);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

bool FindPlaces(const PlaceLine& line, const int64_t* indices, size_t count, int64_t* places) {
  return MULLION_SIMD_CALL(FindWidePlaces)(line, indices, count, places);
}
bool FindPlaces(const PlaceLine& line, const int32_t* indices, size_t count, int64_t* places) {
  return MULLION_SIMD_CALL(FindNarrowPlaces)(line, indices, count, places);
}

}  // namespace mullion::cpu
#endif
