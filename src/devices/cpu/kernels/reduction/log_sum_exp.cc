// SPDX-License-Identifier: MIT
// log(sum(exp(x))) in one pass: the running maximum, and the sum relative to it, which is scaled
// again whenever the maximum rises.
#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/reduction/reduce.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/log_sum_exp.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// exp(x - maximum), but exp(x) where that would be inf - inf: an infinite maximum then gives an
// infinite sum, one of -inf an empty sum.
HWY_INLINE V ShiftOf(V maximum) {
  const D d;
  return hn::IfThenElseZero(hn::Lt(hn::Abs(maximum), hn::Set(d, kInfinity)), maximum);
}

void InitLogSumExp(void* accumulators, size_t n) {
  float* const maxima = static_cast<float*>(accumulators);
  std::fill_n(maxima, n, -kInfinity);
  std::fill_n(maxima + n, n, 0.0f);
}

// Columns [j, j + count) of `rows` rows, at most 16 of them.
HWY_INLINE void TakeColumns(const float* x, size_t rows, size_t stride, size_t count, float* maxima,
                            float* sums) {
  const D d;
  const V before = LoadFirst(d, maxima, count);
  V maximum = before;
  for (size_t r = 0; r < rows; ++r) {
    maximum = hn::Max(maximum, LoadFirst(d, x + r * stride, count));
  }
  const V shift = ShiftOf(maximum);
  V sum = hn::Mul(LoadFirst(d, sums, count), Exp(d, hn::Sub(before, shift)));
  for (size_t r = 0; r < rows; ++r) {
    sum = hn::Add(sum, Exp(d, hn::Sub(LoadFirst(d, x + r * stride, count), shift)));
  }
  StoreFirst(maximum, d, maxima, count);
  StoreFirst(sum, d, sums, count);
}

void LogSumExpRows(const void* from, size_t rows, size_t stride, size_t n, void* accumulators) {
  constexpr size_t kBlock = 16;
  const size_t lanes = hn::Lanes(D());
  float* const maxima = static_cast<float*>(accumulators);
  for (size_t r = 0; r < rows; r += kBlock) {
    const float* const x = static_cast<const float*>(from) + r * stride;
    for (size_t j = 0; j < n; j += lanes) {
      TakeColumns(x + j, std::min(kBlock, rows - r), stride, std::min(lanes, n - j), maxima + j,
                  maxima + n + j);
    }
  }
}

HWY_INLINE float MaximumOf(const float* x, size_t count) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V maximum = hn::Set(d, -kInfinity);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) maximum = hn::Max(maximum, hn::LoadU(d, x + i));
  if (i < count) {
    const V last = LoadFirstOr(d, x + i, count - i, hn::Set(d, -kInfinity));
    maximum = hn::Max(maximum, last);
  }
  return hn::GetLane(hn::MaxOfLanes(d, maximum));
}

void LogSumExpRun(const void* from, size_t count, void* accumulators) {
  // Small enough that the second look at a block finds it in the first-level cache.
  constexpr size_t kBlock = 2048;
  const D d;
  const size_t lanes = hn::Lanes(d);
  float* const accumulator = static_cast<float*>(accumulators);
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const float* const x = static_cast<const float*>(from) + begin;
    const size_t n = std::min(kBlock, count - begin);
    const float maximum = std::max(accumulator[0], MaximumOf(x, n));
    const V shift = ShiftOf(hn::Set(d, maximum));
    V sum = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      sum = hn::Add(sum, Exp(d, hn::Sub(hn::LoadU(d, x + i), shift)));
    }
    if (i < n) {
      const V last = LoadFirstOr(d, x + i, n - i, hn::Set(d, -kInfinity));
      sum = hn::Add(sum, Exp(d, hn::Sub(last, shift)));
    }
    const V scale = Exp(d, hn::Sub(hn::Set(d, accumulator[0]), shift));
    accumulator[0] = maximum;
    accumulator[1] = accumulator[1] * hn::GetLane(scale) + hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

void MergeLogSumExp(const void* others, size_t n, void* accumulators) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float* const from = static_cast<const float*>(others);
  float* const to = static_cast<float*>(accumulators);
  for (size_t j = 0; j < n; j += lanes) {
    const size_t count = std::min(lanes, n - j);
    const V a = LoadFirst(d, to + j, count);
    const V b = LoadFirst(d, from + j, count);
    const V maximum = hn::Max(a, b);
    const V shift = ShiftOf(maximum);
    const V sum_a = hn::Mul(LoadFirst(d, to + n + j, count), Exp(d, hn::Sub(a, shift)));
    const V sum_b = hn::Mul(LoadFirst(d, from + n + j, count), Exp(d, hn::Sub(b, shift)));
    StoreFirst(maximum, d, to + j, count);
    StoreFirst(hn::Add(sum_a, sum_b), d, to + n + j, count);
  }
}

}  // namespace

ReduceFunctions MakeLogSumExpFunctions() {
  return {.accumulator_bytes = 2 * sizeof(float),
          .planes = true,
          .init = &InitLogSumExp,
          .rows = &LogSumExpRows,
          .run = &LogSumExpRun,
          .merge = &MergeLogSumExp};
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

ReduceFunctions LogSumExpFunctions() { return MULLION_SIMD_CALL(MakeLogSumExpFunctions)(); }

}  // namespace mullion::cpu
#endif
