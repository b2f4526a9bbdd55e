// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/spread_add.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/spread_add.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void SpreadAddSimd(const SpreadAddArguments& p) {
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(decltype(d)()));
  const int64_t step = kLanes / p.stride;  // elements of x for a vector of y
  if (step >= 4 && p.count >= step) {
    // A vector of y takes element i of x in lane i * stride.
    HWY_ALIGN int32_t places[kLanes];
    HWY_ALIGN int32_t taken[kLanes];
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      places[lane] = static_cast<int32_t>(lane / p.stride);
      taken[lane] = lane % p.stride == 0 && lane / p.stride < step ? -1 : 0;
    }
    const auto index = hn::SetTableIndices(d, places);
    const auto mask = hn::RebindMask(d, hn::MaskFromVec(hn::Load(di, taken)));
    const auto sum = [&](auto x, auto y) HWY_ATTR {
      return hn::IfThenElse(mask, hn::Add(y, hn::TableLookupLanes(x, index)), y);
    };
    for (int64_t line = 0; line < p.lines; ++line) {
      const float* x = p.x + line * p.x_line;
      float* y = p.y + line * p.y_line;
      int64_t left = p.count;
      for (; left >= kLanes; left -= step, x += step, y += step * p.stride) {
        hn::StoreU(sum(hn::LoadU(d, x), hn::LoadU(d, y)), d, y);
      }
      for (; left > 0; left -= step, x += step, y += step * p.stride) {
        const int64_t some = std::min(left, step);
        const auto span = static_cast<size_t>((some - 1) * p.stride + 1);
        const auto v = LoadFirst(d, x, static_cast<size_t>(some));
        StoreFirst(sum(v, LoadFirst(d, y, span)), d, y, span);
      }
    }
    return;
  }
#endif
  for (int64_t line = 0; line < p.lines; ++line) {
    const float* const x = p.x + line * p.x_line;
    float* const y = p.y + line * p.y_line;
    for (int64_t i = 0; i < p.count; ++i) y[i * p.stride] += x[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SpreadAdd(const SpreadAddArguments& arguments) { MULLION_SIMD_CALL(SpreadAddSimd)(arguments); }

}  // namespace mullion::cpu
#endif
