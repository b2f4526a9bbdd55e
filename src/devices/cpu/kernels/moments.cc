// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/moments.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/moments.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// The sum of f(v) over the vectors of x, in four chains to hide latency.
template <class F>
HWY_INLINE float SumOver(const float* x, size_t n, F f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V a = hn::Zero(d), b = a, c = a, e = a;
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, f(hn::LoadU(d, x + i)));
    b = hn::Add(b, f(hn::LoadU(d, x + i + lanes)));
    c = hn::Add(c, f(hn::LoadU(d, x + i + 2 * lanes)));
    e = hn::Add(e, f(hn::LoadU(d, x + i + 3 * lanes)));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Add(a, f(hn::LoadU(d, x + i)));
  if (i < n) {
    const V last = f(LoadFirst(d, x + i, n - i));
    b = hn::Add(b, hn::IfThenElseZero(hn::FirstN(d, n - i), last));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// One vector of columns; `columns` of its lanes are read and written.
HWY_INLINE void ColumnMoments(const float* x, size_t rows, size_t stride, size_t columns,
                              int64_t count, float* mean, float* deviation) {
  const D d;
  V sum = hn::Zero(d);
  for (size_t r = 0; r < rows; ++r) sum = hn::Add(sum, LoadFirst(d, x + r * stride, columns));
  const V block_mean = hn::Mul(sum, hn::Set(d, 1.0f / static_cast<float>(rows)));
  V block_deviation = hn::Zero(d);
  for (size_t r = 0; r < rows; ++r) {
    const V difference = hn::Sub(LoadFirst(d, x + r * stride, columns), block_mean);
    block_deviation = hn::MulAdd(difference, difference, block_deviation);
  }
  V new_mean = block_mean;
  V new_deviation = block_deviation;
  if (count > 0) {
    const float total = static_cast<float>(count) + static_cast<float>(rows);
    const float share = static_cast<float>(rows) / total;
    const V old_mean = LoadFirst(d, mean, columns);
    const V delta = hn::Sub(block_mean, old_mean);
    new_mean = hn::MulAdd(delta, hn::Set(d, share), old_mean);
    new_deviation = hn::Add(block_deviation, LoadFirst(d, deviation, columns));
    new_deviation = hn::MulAdd(hn::Mul(delta, delta), hn::Set(d, share * static_cast<float>(count)),
                               new_deviation);
  }
  StoreFirst(new_mean, d, mean, columns);
  StoreFirst(new_deviation, d, deviation, columns);
}

}  // namespace

Moments MomentsOfTarget(const float* x, size_t n) {
  constexpr size_t kBlock = 4096;  // 16 KB
  const D d;
  Moments moments;
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t count = std::min(kBlock, n - begin);
    Moments block;
    block.count = static_cast<int64_t>(count);
    block.mean = SumOver(x + begin, count, [](V v) { return v; }) / static_cast<float>(count);
    const V mean = hn::Set(d, block.mean);
    block.deviation = SumOver(x + begin, count, [mean](V v) {
      const V difference = hn::Sub(v, mean);
      return hn::Mul(difference, difference);
    });
    moments.Merge(block);
  }
  return moments;
}

void MomentsOfColumnsTarget(const float* x, size_t rows, size_t stride, size_t n, int64_t count,
                            float* mean, float* deviation) {
  constexpr size_t kBlock = 32;
  const size_t lanes = hn::Lanes(D());
  for (size_t r = 0; r < rows; r += kBlock) {
    const size_t block = std::min(kBlock, rows - r);
    for (size_t j = 0; j < n; j += lanes) {
      ColumnMoments(x + r * stride + j, block, stride, std::min(lanes, n - j), count, mean + j,
                    deviation + j);
    }
    count += static_cast<int64_t>(block);
  }
}

void NormalizeTarget(const float* x, float* y, size_t n, float mean, float inverse,
                     const float* scale, const float* shift) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V m = hn::Set(d, mean);
  const V factor = hn::Set(d, inverse);
  for (size_t i = 0; i < n; i += lanes) {
    const size_t count = std::min(lanes, n - i);
    V v = hn::Mul(hn::Sub(LoadFirst(d, x + i, count), m), factor);
    if (scale != nullptr) v = hn::Mul(v, LoadFirst(d, scale + i, count));
    if (shift != nullptr) v = hn::Add(v, LoadFirst(d, shift + i, count));
    StoreFirst(v, d, y + i, count);
  }
}

float SumOfSquaresTarget(const float* x, size_t n) {
  return SumOver(x, n, [](V v) { return hn::Mul(v, v); });
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void Moments::Merge(const Moments& other) {
  if (other.count == 0) return;
  const double total = static_cast<double>(count + other.count);
  const double delta = static_cast<double>(other.mean) - static_cast<double>(mean);
  const double share = static_cast<double>(other.count) / total;
  const double merged = static_cast<double>(deviation) + static_cast<double>(other.deviation) +
                        delta * delta * share * static_cast<double>(count);
  mean = static_cast<float>(static_cast<double>(mean) + delta * share);
  deviation = static_cast<float>(merged);
  count += other.count;
}

Moments MomentsOf(const float* x, size_t n) { return MULLION_SIMD_CALL(MomentsOfTarget)(x, n); }

void MomentsOfColumns(const float* x, size_t rows, size_t stride, size_t n, int64_t count,
                      float* mean, float* deviation) {
  MULLION_SIMD_CALL(MomentsOfColumnsTarget)(x, rows, stride, n, count, mean, deviation);
}

void Normalize(const float* x, float* y, size_t n, float mean, float inverse, const float* scale,
               const float* shift) {
  MULLION_SIMD_CALL(NormalizeTarget)(x, y, n, mean, inverse, scale, shift);
}

float SumOfSquares(const float* x, size_t n) { return MULLION_SIMD_CALL(SumOfSquaresTarget)(x, n); }

}  // namespace mullion::cpu
#endif
