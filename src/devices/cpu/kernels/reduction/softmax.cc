// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/softmax.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/softmax.cc"
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

HWY_INLINE float RowMaximum(const float* x, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V a = hn::Set(d, -kInfinity);
  V b = a;
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::Max(a, hn::LoadU(d, x + i));
    b = hn::Max(b, hn::LoadU(d, x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Max(a, hn::LoadU(d, x + i));
  if (i < n) b = hn::Max(b, LoadFirstOr(d, x + i, n - i, hn::Set(d, -kInfinity)));
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b)));
}

// The sum of exp(x - maximum); the terms go to `y` when kStore is set.
template <bool kStore>
HWY_INLINE float RowExp(const float* x, float* y, size_t n, float maximum) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V shift = hn::Set(d, maximum);
  V sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V e = Decay(d, hn::Sub(hn::LoadU(d, x + i), shift));
    if (kStore) hn::StoreU(e, d, y + i);
    sum = hn::Add(sum, e);
  }
  if (i < n) {
    const V last = LoadFirstOr(d, x + i, n - i, hn::Set(d, -kInfinity));
    const V e = hn::IfThenElseZero(hn::FirstN(d, n - i), Decay(d, hn::Sub(last, shift)));
    if (kStore) StoreFirst(e, d, y + i, n - i);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE void ScaleRow(float* y, size_t n, float sum) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V scale = hn::Set(d, 1.0f / sum);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), scale), d, y + i);
  if (i < n) StoreFirst(hn::Mul(LoadFirst(d, y + i, n - i), scale), d, y + i, n - i);
}

// x - maximum - log(sum), in this order: the first difference is exact for close numbers.
HWY_INLINE void LogRow(const float* x, float* y, size_t n, float maximum, float sum) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V shift = hn::Set(d, maximum);
  const V log = Log(d, hn::Set(d, sum));
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::Sub(hn::Sub(hn::LoadU(d, x + i), shift), log), d, y + i);
  }
  if (i < n) {
    StoreFirst(hn::Sub(hn::Sub(LoadFirst(d, x + i, n - i), shift), log), d, y + i, n - i);
  }
}

// Rows much shorter than a vector: as many rows as there are lanes at once, one column a vector.
constexpr size_t kShortRow = 8;

HWY_NOINLINE void ShortRows(bool log, const float* x, float* y, size_t n) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto rows = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int32_t>(n)));
  V column[kShortRow];
  V maximum = hn::Set(d, -kInfinity);
  for (size_t k = 0; k < n; ++k) {
    column[k] = hn::GatherIndex(d, x + k, rows);
    maximum = hn::Max(maximum, column[k]);
  }
  V sum = hn::Zero(d);
  for (size_t k = 0; k < n; ++k) {
    const V shifted = hn::Sub(column[k], maximum);
    const V e = Decay(d, shifted);
    column[k] = log ? shifted : e;
    sum = hn::Add(sum, e);
  }
  const V last = log ? Log(d, sum) : hn::Div(hn::Set(d, 1.0f), sum);
  for (size_t k = 0; k < n; ++k) {
    const V result = log ? hn::Sub(column[k], last) : hn::Mul(column[k], last);
    hn::ScatterIndex(result, d, y + k, rows);
  }
}

// Rows that are left when the others went in whole vectors go the same way: a row's bits do not
// hang on how many stand before it.
void AllShortRows(bool log, const float* x, float* y, size_t rows, size_t n) {
  HWY_ALIGN float last[kShortRow * (HWY_MAX_BYTES / sizeof(float))] = {};
  const size_t lanes = hn::Lanes(D());
  for (; rows > 0; x += lanes * n, y += lanes * n) {
    const size_t count = std::min(rows, lanes);
    const bool whole = count == lanes;
    if (!whole) std::copy_n(x, count * n, last);
    ShortRows(log, whole ? x : last, whole ? y : last, n);
    if (!whole) std::copy_n(last, count * n, y);
    rows -= count;
  }
}

template <bool kLog>
void Rows(const float* x, float* y, size_t rows, size_t n) {
  if (2 * n <= hn::Lanes(D()) && n <= kShortRow) return AllShortRows(kLog, x, y, rows, n);
  for (size_t row = 0; row < rows; ++row, x += n, y += n) {
    const float maximum = RowMaximum(x, n);
    const float sum = RowExp<!kLog>(x, y, n, maximum);
    if (kLog) {
      LogRow(x, y, n, maximum, sum);
    } else {
      ScaleRow(y, n, sum);
    }
  }
}

// `count` columns, at most as many as there are lanes.
template <bool kLog>
HWY_INLINE void ColumnVector(const float* x, float* y, size_t n, size_t stride, size_t count) {
  const D d;
  V maximum = hn::Set(d, -kInfinity);
  for (size_t k = 0; k < n; ++k) maximum = hn::Max(maximum, LoadFirst(d, x + k * stride, count));
  V sum = hn::Zero(d);
  for (size_t k = 0; k < n; ++k) {
    const V e = Decay(d, hn::Sub(LoadFirst(d, x + k * stride, count), maximum));
    if (!kLog) StoreFirst(e, d, y + k * stride, count);
    sum = hn::Add(sum, e);
  }
  const V last = kLog ? Log(d, sum) : hn::Div(hn::Set(d, 1.0f), sum);
  for (size_t k = 0; k < n; ++k) {
    const V v = LoadFirst(d, (kLog ? x : y) + k * stride, count);
    const V result = kLog ? hn::Sub(hn::Sub(v, maximum), last) : hn::Mul(v, last);
    StoreFirst(result, d, y + k * stride, count);
  }
}

}  // namespace

void SoftmaxRowsTarget(bool log, const float* x, float* y, size_t rows, size_t n) {
  log ? Rows<true>(x, y, rows, n) : Rows<false>(x, y, rows, n);
}

void SoftmaxColumnsTarget(bool log, const float* x, float* y, size_t n, size_t stride,
                          size_t columns) {
  const size_t lanes = hn::Lanes(D());
  for (size_t j = 0; j < columns; j += lanes) {
    const size_t count = std::min(lanes, columns - j);
    if (log) {
      ColumnVector<true>(x + j, y + j, n, stride, count);
    } else {
      ColumnVector<false>(x + j, y + j, n, stride, count);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SoftmaxRows(bool log, const float* x, float* y, size_t rows, size_t n) {
  MULLION_SIMD_CALL(SoftmaxRowsTarget)(log, x, y, rows, n);
}

void SoftmaxColumns(bool log, const float* x, float* y, size_t n, size_t stride, size_t columns) {
  MULLION_SIMD_CALL(SoftmaxColumnsTarget)(log, x, y, n, stride, columns);
}

}  // namespace mullion::cpu
#endif
