// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/moments.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/moments.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/lane_sums-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

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

// Rows whose moments are computed by themselves: they stay in the level 1 cache while their mean
// becomes known.
constexpr size_t kMomentRows = 32;

// The sums over rows of f(x) for kVectors vectors of columns, the last with `last` lanes, in
// kChains chains each: four in all hide the latency of an addition. Fetches what lies `ahead`.
template <int kVectors, int kChains, class F>
HWY_INLINE void SumRows(const float* x, size_t rows, size_t stride, size_t last, size_t ahead,
                        V (&sum)[kVectors], F f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V chain[kChains][kVectors];
#pragma GCC unroll 4
  for (int i = 0; i < kChains * kVectors; ++i) chain[i / kVectors][i % kVectors] = hn::Zero(d);
  const auto add_row = [&](V(&to)[kVectors], const float* row) HWY_ATTR {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      const float* const from = row + static_cast<size_t>(j) * lanes;
      __builtin_prefetch(from + ahead, 0, 3);
      to[j] = f(j == kVectors - 1 ? LoadFirst(d, from, last) : hn::LoadU(d, from), j, to[j]);
    }
  };
  size_t r = 0;
  for (; r + kChains <= rows; r += kChains) {
#pragma GCC unroll 4
    for (int i = 0; i < kChains; ++i) add_row(chain[i], x + (r + static_cast<size_t>(i)) * stride);
  }
  for (; r < rows; ++r) add_row(chain[0], x + r * stride);
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    sum[j] = chain[0][j];
    for (int i = 1; i < kChains; ++i) sum[j] = hn::Add(sum[j], chain[i][j]);
  }
}

// Some vectors of columns; `last` lanes of the last are read and written.
template <int kVectors, int kChains>
HWY_NOINLINE void ColumnMoments(const float* x, size_t rows, size_t stride, size_t last,
                                int64_t count, float* mean, float* deviation) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V block_mean[kVectors];
  V block_deviation[kVectors];
  SumRows<kVectors, kChains>(x, rows, stride, last, 0, block_mean,
                             [](V v, int, V sum) HWY_ATTR { return hn::Add(sum, v); });
  const V share_of_row = hn::Set(d, 1.0f / static_cast<float>(rows));
  for (int j = 0; j < kVectors; ++j) block_mean[j] = hn::Mul(block_mean[j], share_of_row);
  SumRows<kVectors, kChains>(x, rows, stride, last, kMomentRows * stride, block_deviation,
                             [&](V v, int j, V sum) HWY_ATTR {
                               const V difference = hn::Sub(v, block_mean[j]);
                               return hn::MulAdd(difference, difference, sum);
                             });
  const float share =
      static_cast<float>(rows) / (static_cast<float>(count) + static_cast<float>(rows));
  for (int j = 0; j < kVectors; ++j, mean += lanes, deviation += lanes) {
    const size_t columns = j == kVectors - 1 ? last : lanes;
    V new_mean = block_mean[j];
    V new_deviation = block_deviation[j];
    if (count > 0) {
      const V old_mean = LoadFirst(d, mean, columns);
      const V delta = hn::Sub(new_mean, old_mean);
      new_mean = hn::MulAdd(delta, hn::Set(d, share), old_mean);
      new_deviation = hn::Add(new_deviation, LoadFirst(d, deviation, columns));
      new_deviation = hn::MulAdd(hn::Mul(delta, delta),
                                 hn::Set(d, share * static_cast<float>(count)), new_deviation);
    }
    StoreFirst(new_mean, d, mean, columns);
    StoreFirst(new_deviation, d, deviation, columns);
  }
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
  const size_t lanes = hn::Lanes(D());
  for (size_t r = 0; r < rows; r += kMomentRows, x += kMomentRows * stride) {
    const size_t block = std::min(kMomentRows, rows - r);
    size_t j = 0;
    for (; j + 4 * lanes <= n; j += 4 * lanes) {
      ColumnMoments<4, 1>(x + j, block, stride, lanes, count, mean + j, deviation + j);
    }
    for (; j < n; j += lanes) {
      ColumnMoments<1, 4>(x + j, block, stride, std::min(lanes, n - j), count, mean + j,
                          deviation + j);
    }
    count += static_cast<int64_t>(block);
  }
}

namespace {

// Rows of up to so many vectors are taken four at a time: what a row waits for, its own sums and
// the root, is most of its time.
constexpr size_t kShortRowVectors = 4;

// `count` rows from `first` on; where they are fewer than four, the last stands in for others.
template <class RowD>
HWY_INLINE void NormalizeFourRows(RowD d, const RowNormalization& r, int64_t first, int count) {
  using RowV = hn::Vec<RowD>;
  const hn::CappedTag<float, 4> d4;
  const size_t lanes = hn::Lanes(d);
  const size_t whole = (r.n - 1) / lanes * lanes;  // floats before the last vector
  const size_t last = r.n - whole;
  const auto last_lanes = hn::FirstN(d, last);
  const float share = 1.0f / static_cast<float>(r.n);
  const float* x[4];
  for (int i = 0; i < 4; ++i) {
    x[i] = r.x + static_cast<size_t>(first + std::min(i, count - 1)) * r.n;
  }
  RowV sum[4];
  HWY_ALIGN float mean[4] = {};
  HWY_ALIGN float inverse[4];
  if (r.centered) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sum[i] = LoadFirst(d, x[i] + whole, last);
    for (size_t k = 0; k < whole; k += lanes) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) sum[i] = hn::Add(sum[i], hn::LoadU(d, x[i] + k));
    }
    SumsOfLanes(d, sum[0], sum[1], sum[2], sum[3], mean);
    for (float& m : mean) m *= share;
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const RowV v = hn::IfThenElseZero(
        last_lanes, hn::Sub(LoadFirst(d, x[i] + whole, last), hn::Set(d, mean[i])));
    sum[i] = hn::Mul(v, v);
  }
  for (size_t k = 0; k < whole; k += lanes) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const RowV v = hn::Sub(hn::LoadU(d, x[i] + k), hn::Set(d, mean[i]));
      sum[i] = hn::MulAdd(v, v, sum[i]);
    }
  }
  SumsOfLanes(d, sum[0], sum[1], sum[2], sum[3], inverse);
  for (size_t i = 0; i < 4; i += hn::Lanes(d4)) {
    const auto variance = hn::Mul(hn::Load(d4, inverse + i), hn::Set(d4, share));
    const auto root = hn::Sqrt(hn::Add(variance, hn::Set(d4, r.epsilon)));
    hn::Store(hn::Div(hn::Set(d4, 1.0f), root), d4, inverse + i);
  }
  float* const y = r.y + static_cast<size_t>(first) * r.n;
  for (size_t k = 0; k < whole; k += lanes) {
    const RowV scale = hn::LoadU(d, r.scale + k);
    const RowV shift = r.shift != nullptr ? hn::LoadU(d, r.shift + k) : hn::Zero(d);
    for (int i = 0; i < count; ++i) {
      const RowV v = hn::Sub(hn::LoadU(d, x[i] + k), hn::Set(d, mean[i]));
      hn::StoreU(hn::MulAdd(hn::Mul(v, hn::Set(d, inverse[i])), scale, shift), d,
                 y + static_cast<size_t>(i) * r.n + k);
    }
  }
  const RowV scale = LoadFirst(d, r.scale + whole, last);
  const RowV shift = r.shift != nullptr ? LoadFirst(d, r.shift + whole, last) : hn::Zero(d);
  for (int i = 0; i < count; ++i) {
    const RowV v = hn::Sub(LoadFirst(d, x[i] + whole, last), hn::Set(d, mean[i]));
    StoreFirst(hn::MulAdd(hn::Mul(v, hn::Set(d, inverse[i])), scale, shift), d,
               y + static_cast<size_t>(i) * r.n + whole, last);
  }
  const auto rows = static_cast<size_t>(count);
  if (r.means != nullptr) std::copy_n(mean, rows, r.means + first);
  if (r.inverses != nullptr) std::copy_n(inverse, rows, r.inverses + first);
}

HWY_INLINE void NormalizeLongRow(const RowNormalization& r, const float* x, float* y, float& mean,
                                 float& inverse) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto count = static_cast<float>(r.n);
  float deviation = 0;
  if (r.centered) {
    const Moments moments = MomentsOfTarget(x, r.n);
    mean = moments.mean;
    deviation = moments.deviation;
  } else {
    deviation = SumOver(x, r.n, [](V v) { return hn::Mul(v, v); });
  }
  inverse = 1.0f / std::sqrt(deviation / count + r.epsilon);
  const V m = hn::Set(d, mean);
  const V factor = hn::Set(d, inverse);
  for (size_t i = 0; i < r.n; i += lanes) {
    const size_t left = std::min(lanes, r.n - i);
    V v = hn::Mul(hn::Sub(LoadFirst(d, x + i, left), m), factor);
    v = hn::Mul(v, LoadFirst(d, r.scale + i, left));
    if (r.shift != nullptr) v = hn::Add(v, LoadFirst(d, r.shift + i, left));
    StoreFirst(v, d, y + i, left);
  }
}

}  // namespace

void NormalizeRowsTarget(const RowNormalization& r) {
  if (r.n == 0) return;
  if (r.n <= kShortRowVectors * hn::Lanes(D())) {
    for (int64_t row = 0; row < r.rows; row += 4) {
      const int count = static_cast<int>(std::min<int64_t>(r.rows - row, 4));
      if constexpr (hn::MaxLanes(D()) > 8) {
        const hn::CappedTag<float, 8> half;
        // A vector of more would be stored over the next row, masked, which then waits for it.
        if (r.n <= hn::Lanes(half)) {
          NormalizeFourRows(half, r, row, count);
          continue;
        }
      }
      NormalizeFourRows(D(), r, row, count);
    }
    return;
  }
  for (int64_t row = 0; row < r.rows; ++row) {
    const float* const x = r.x + static_cast<size_t>(row) * r.n;
    float* const y = r.y + static_cast<size_t>(row) * r.n;
    float mean = 0;
    float inverse = 0;
    NormalizeLongRow(r, x, y, mean, inverse);
    if (r.means != nullptr) r.means[row] = mean;
    if (r.inverses != nullptr) r.inverses[row] = inverse;
  }
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

void NormalizeRows(const RowNormalization& rows) { MULLION_SIMD_CALL(NormalizeRowsTarget)(rows); }

}  // namespace mullion::cpu
#endif
