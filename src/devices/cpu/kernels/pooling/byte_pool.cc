// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/pooling/byte_pool.h"

#include <cstring>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pooling/byte_pool.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using DF = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(DF()));

// All lanes, or the first `count` with zeros behind them.
template <typename T>
HWY_INLINE VF LoadFloats(const T* from, int64_t count) {
  const hn::Rebind<T, DF> d8;
  if (count >= kLanes) return hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::LoadU(d8, from)));
  HWY_ALIGN T lanes[kLanes] = {};
  std::memcpy(lanes, from, static_cast<size_t>(count));
  return hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::Load(d8, lanes)));
}

template <typename T>
void Sum(const uint8_t* const* taps, size_t count, int64_t n, const ByteScale& byte_scale,
         bool accumulate, float* sums) {
  const DF d;
  const VF zero = hn::Set(d, static_cast<float>(byte_scale.zero_point));
  const VF scale = hn::Set(d, byte_scale.scale);
  for (int64_t i = 0; i < n; i += kLanes) {
    const auto rest = static_cast<size_t>(n - i);
    const bool whole = n - i >= kLanes;
    VF sum = hn::Zero(d);
    if (accumulate) sum = whole ? hn::LoadU(d, sums + i) : LoadFirst(d, sums + i, rest);
    for (size_t t = 0; t < count; ++t) {
      const VF x = LoadFloats(reinterpret_cast<const T*>(taps[t]) + i, n - i);
      sum = hn::Add(sum, hn::Mul(hn::Sub(x, zero), scale));
    }
    if (whole) {
      hn::StoreU(sum, d, sums + i);
    } else {
      StoreFirst(sum, d, sums + i, rest);
    }
  }
}

template <typename T>
void Finish(const float* sums, int64_t n, float divisor, const ByteScale& byte_scale, T* y) {
  const DF d;
  const hn::Rebind<T, DF> d8;
  const VF count = hn::Set(d, divisor);
  const VF scale = hn::Set(d, byte_scale.scale);
  const VF zero = hn::Set(d, static_cast<float>(byte_scale.zero_point));
  const VF low = hn::Set(d, std::is_signed_v<T> ? -128.0f : 0.0f);
  const VF high = hn::Set(d, std::is_signed_v<T> ? 127.0f : 255.0f);
  const auto finished = [&](VF sum) HWY_ATTR {
    const VF q = hn::Add(hn::Div(hn::Div(sum, count), scale), zero);
    return hn::DemoteTo(d8, hn::NearestInt(hn::Min(hn::Max(q, low), high)));
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(finished(hn::LoadU(d, sums + i)), d8, y + i);
  if (i >= n) return;
  HWY_ALIGN T lanes[kLanes];
  hn::Store(finished(LoadFirst(d, sums + i, static_cast<size_t>(n - i))), d8, lanes);
  std::memcpy(y + i, lanes, static_cast<size_t>(n - i));
}

}  // namespace

void SumPixelsSimd(const uint8_t* const* taps, size_t count, int64_t n, bool is_signed,
                   const ByteScale& scale, bool accumulate, float* sums) {
  const auto sum = is_signed ? Sum<int8_t> : Sum<uint8_t>;
  sum(taps, count, n, scale, accumulate, sums);
}

void FinishPixelSimd(const float* sums, int64_t n, float divisor, bool is_signed,
                     const ByteScale& scale, uint8_t* y) {
  if (is_signed) {
    Finish(sums, n, divisor, scale, reinterpret_cast<int8_t*>(y));
  } else {
    Finish(sums, n, divisor, scale, y);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SumPixels(const uint8_t* const* taps, size_t count, int64_t n, bool is_signed,
               const ByteScale& scale, bool accumulate, float* sums) {
  MULLION_SIMD_CALL(SumPixelsSimd)(taps, count, n, is_signed, scale, accumulate, sums);
}

void FinishPixel(const float* sums, int64_t n, float divisor, bool is_signed,
                 const ByteScale& scale, uint8_t* y) {
  MULLION_SIMD_CALL(FinishPixelSimd)(sums, n, divisor, is_signed, scale, y);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
