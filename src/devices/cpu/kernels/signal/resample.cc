// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/signal/resample.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/signal/resample.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;

// One channel: neighbouring outputs side by side, their elements gathered.
HWY_INLINE void GatherLine(const float* x, const int32_t* index, const float* weight, size_t taps,
                           size_t outputs, float* y) {
  const D d;
  const hn::RebindToSigned<D> di;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  for (; j + lanes <= outputs; j += lanes) {
    auto sum = hn::Mul(hn::LoadU(d, weight + j), hn::GatherIndex(d, x, hn::LoadU(di, index + j)));
    for (size_t k = 1; k < taps; ++k) {
      const size_t at = k * outputs + j;
      const auto v = hn::GatherIndex(d, x, hn::LoadU(di, index + at));
      sum = hn::MulAdd(hn::LoadU(d, weight + at), v, sum);
    }
    hn::StoreU(sum, d, y + j);
  }
  for (; j < outputs; ++j) {
    // The same roundings as in the vectors.
    const hn::CappedTag<float, 1> d1;
    auto sum = hn::Mul(hn::Set(d1, weight[j]), hn::Set(d1, x[index[j]]));
    for (size_t k = 1; k < taps; ++k) {
      const size_t at = k * outputs + j;
      sum = hn::MulAdd(hn::Set(d1, weight[at]), hn::Set(d1, x[index[at]]), sum);
    }
    y[j] = hn::GetLane(sum);
  }
}

// The sum of positions, of which `load` takes a vector, for one output of a line of `outputs`.
template <class Load>
HWY_INLINE hn::Vec<D> Combine(const float* x, const int32_t* index, const float* weight,
                              size_t taps, size_t outputs, size_t inner, Load load) {
  const D d;
  auto sum = hn::Mul(load(x + static_cast<size_t>(*index) * inner), hn::Set(d, *weight));
  for (size_t k = 1; k < taps; ++k) {
    index += outputs;
    weight += outputs;
    sum = hn::MulAdd(load(x + static_cast<size_t>(*index) * inner), hn::Set(d, *weight), sum);
  }
  return sum;
}

}  // namespace

void ResampleRowsTarget(const float* x, const int32_t* index, const float* weight, size_t step,
                        size_t taps, size_t n, float* y) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto row = [&](size_t k) { return x + static_cast<size_t>(index[k * step]) * n; };
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto first = hn::Set(d, weight[0]);
    auto a = hn::Mul(hn::LoadU(d, row(0) + i), first);
    auto b = hn::Mul(hn::LoadU(d, row(0) + i + lanes), first);
    for (size_t k = 1; k < taps; ++k) {
      const auto factor = hn::Set(d, weight[k * step]);
      a = hn::MulAdd(hn::LoadU(d, row(k) + i), factor, a);
      b = hn::MulAdd(hn::LoadU(d, row(k) + i + lanes), factor, b);
    }
    hn::StoreU(a, d, y + i);
    hn::StoreU(b, d, y + i + lanes);
  }
  for (; i < n; i += lanes) {
    const size_t count = std::min(lanes, n - i);
    auto sum = hn::Mul(LoadFirst(d, row(0) + i, count), hn::Set(d, weight[0]));
    for (size_t k = 1; k < taps; ++k) {
      sum = hn::MulAdd(LoadFirst(d, row(k) + i, count), hn::Set(d, weight[k * step]), sum);
    }
    StoreFirst(sum, d, y + i, count);
  }
}

void ResampleLineTarget(const float* x, const int32_t* index, const float* weight, size_t taps,
                        size_t outputs, size_t inner, float* y) {
  if (inner == 1) {
    GatherLine(x, index, weight, taps, outputs, y);
    return;
  }
  const D d;
  const size_t lanes = hn::Lanes(d);
  if (inner < lanes) {
    for (size_t j = 0; j < outputs; ++j, y += inner) {
      const auto load = [&](const float* from) { return LoadFirst(d, from, inner); };
      StoreFirst(Combine(x, index + j, weight + j, taps, outputs, inner, load), d, y, inner);
    }
    return;
  }
  const auto load = [&](const float* from) { return hn::LoadU(d, from); };
  for (size_t j = 0; j < outputs; ++j, y += inner) {
    for (size_t next = 0; next < inner; next += lanes) {
      // The last vector overlaps the one before it, so that no part of one is needed.
      const size_t i = std::min(next, inner - lanes);
      hn::StoreU(Combine(x + i, index + j, weight + j, taps, outputs, inner, load), d, y + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void ResampleRows(const float* x, const int32_t* index, const float* weight, size_t step,
                  size_t taps, size_t n, float* y) {
  MULLION_SIMD_CALL(ResampleRowsTarget)(x, index, weight, step, taps, n, y);
}

void ResampleLine(const float* x, const int32_t* index, const float* weight, size_t taps,
                  size_t outputs, size_t inner, float* y) {
  MULLION_SIMD_CALL(ResampleLineTarget)(x, index, weight, taps, outputs, inner, y);
}

}  // namespace mullion::cpu
#endif
