// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/arg_max.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/arg_max.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// The smallest element is the largest of the negated ones: `sign` is the bit that negates.
HWY_INLINE float Largest(const float* x, size_t n, V sign) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  V a = lowest;
  size_t i = 0;
  // A comparison with NaN is false, so NaN is never taken.
  const auto take = [&](V v) { a = hn::IfThenElse(hn::Gt(v, a), v, a); };
  for (; i + lanes <= n; i += lanes) take(hn::Xor(hn::LoadU(d, x + i), sign));
  if (i < n) {
    const V v = hn::Xor(LoadFirst(d, x + i, n - i), sign);
    take(hn::IfThenElse(hn::FirstN(d, n - i), v, lowest));
  }
  return hn::GetLane(hn::Xor(hn::MaxOfLanes(d, a), sign));
}

}  // namespace

int64_t ArgMaxRowTarget(const ArgMaxOptions& options, const float* x, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float largest = Largest(x, n, hn::Set(d, options.minimum ? -0.0f : 0.0f));
  if (options.last) {
    for (size_t i = n; i-- > 0;) {
      if (x[i] == largest) return static_cast<int64_t>(i);
    }
    return 0;
  }
  const V wanted = hn::Set(d, largest);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const intptr_t lane = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, x + i), wanted));
    if (lane >= 0) return static_cast<int64_t>(i) + lane;
  }
  for (; i < n; ++i) {
    if (x[i] == largest) return static_cast<int64_t>(i);
  }
  return 0;
}

void ArgMaxColumnsTarget(const ArgMaxOptions& options, const float* x, size_t n, size_t stride,
                         size_t columns, int64_t* indices) {
  const D d;
  const hn::RebindToSigned<D> di;
  const size_t lanes = hn::Lanes(d);
  const V sign = hn::Set(d, options.minimum ? -0.0f : 0.0f);
  for (size_t j = 0; j < columns; j += lanes) {
    const size_t count = std::min(lanes, columns - j);
    V best = hn::Set(d, -std::numeric_limits<float>::infinity());
    auto index = hn::Zero(di);
    for (size_t k = 0; k < n; ++k) {
      const V v = hn::Xor(LoadFirst(d, x + k * stride + j, count), sign);
      const auto better = options.last ? hn::Ge(v, best) : hn::Gt(v, best);
      best = hn::IfThenElse(better, v, best);
      index =
          hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, static_cast<int32_t>(k)), index);
    }
    HWY_ALIGN int32_t found[hn::MaxLanes(D())];
    hn::Store(index, di, found);
    for (size_t i = 0; i < count; ++i) indices[j + i] = found[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

int64_t ArgMaxRow(const ArgMaxOptions& options, const float* x, size_t n) {
  return MULLION_SIMD_CALL(ArgMaxRowTarget)(options, x, n);
}

void ArgMaxColumns(const ArgMaxOptions& options, const float* x, size_t n, size_t stride,
                   size_t columns, int64_t* indices) {
  MULLION_SIMD_CALL(ArgMaxColumnsTarget)(options, x, n, stride, columns, indices);
}

}  // namespace mullion::cpu
#endif
