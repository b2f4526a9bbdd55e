// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/winograd_column.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/winograd_column.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr int64_t kLineFloats = 16;
constexpr int kTiles = static_cast<int>(kWinogradColumnTiles);
constexpr int kVectors = static_cast<int>(kWinogradColumnVectors);

constexpr int64_t kLineStep = kVectors * kLineFloats;  // from a line's weights to the next one's

// How a point's weights are made of those of three lines.
enum class Kind : uint8_t {
  kPlain,  // one line as it is
  kSum,    // point 1
  kDifference,
  kPoint,
};

template <Kind kKind>
HWY_INLINE V WeightsOf(const float* lines, V point, V square) {
  const D d;
  const V first = hn::LoadU(d, lines);
  if constexpr (kKind == Kind::kPlain) return first;
  const V middle = hn::LoadU(d, lines + kLineStep);
  const V last = hn::LoadU(d, lines + 2 * kLineStep);
  if constexpr (kKind == Kind::kSum) return hn::Add(hn::Add(first, last), middle);
  if constexpr (kKind == Kind::kDifference) return hn::Sub(hn::Add(first, last), middle);
  return hn::MulAdd(point, middle, hn::MulAdd(square, last, first));
}

// The sums of nine tiles at one point times `factor`; fetches a cache line for each value of the
// depth.
template <Kind kKind>
HWY_INLINE void AddPoint(const WinogradColumn& t, const float* weights, float at, float factor,
                         const float*& ahead) {
  const D d;
  V sum[kTiles][kVectors];
#pragma GCC unroll 9
  for (auto& of_tile : sum) {
#pragma GCC unroll 2
    for (V& of_vector : of_tile) of_vector = hn::Zero(d);
  }
  const V point = hn::Set(d, at);
  const V square = hn::Mul(point, point);
  const int64_t stride = t.row_stride;
  const float* row[3] = {t.rows, t.rows + 3 * stride, t.rows + 6 * stride};
  const float* fetched = ahead;
  for (int64_t k = t.depth; k > 0; --k) {
    V right[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      right[j] = WeightsOf<kKind>(weights + j * kLineFloats, point, square);
    }
#pragma GCC unroll 9
    for (int i = 0; i < kTiles; ++i) {
      const V left = hn::Set(d, row[i / 3][i % 3 * stride]);
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(left, right[j], sum[i][j]);
    }
#pragma GCC unroll 3
    for (const float*& first : row) {
      ++first;
      KeepPointer(first);
    }
    weights += 3 * kLineStep;
    __builtin_prefetch(fetched, 0, 3);
    fetched += kLineFloats;
  }
  ahead = fetched;
  const V scale = hn::Set(d, factor);
  const int64_t sum_stride = t.sum_stride;
  float* out = t.sums;
#pragma GCC unroll 9
  for (int i = 0; i < kTiles; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      hn::StoreU(hn::Mul(sum[i][j], scale), d, out + j * kLineFloats);
    }
    out += sum_stride;
  }
}

// The points down, and what their sums are to be multiplied by (see winograd_weights.cc).
struct Point {
  Kind kind;
  int64_t line = 0;  // the first that is read
  float at;
  float factor;
};
constexpr Point kPoints[] = {
    {Kind::kPlain, 0, 0, -0.5f},
    {Kind::kSum, 0, 1, -1.0f / 3},
    {Kind::kDifference, 0, -1, 1.0f / 9},
    {Kind::kPoint, 0, 2, 1.0f / 36},
    {Kind::kPoint, 0, -2, -1.0f / 60},
    {Kind::kPoint, 0, 0.5f, 32.0f / 45},
    {Kind::kPlain, 2, 0, 1},
};

void MultiplyColumn(const WinogradColumn& column) {
  const float* ahead = column.weights + column.depth * 3 * kLineStep;
  for (int64_t tile = 0; tile < column.tiles; tile += kTiles) {
    WinogradColumn t = column;
    t.rows += tile * t.row_stride;
    t.sums += tile * t.sum_stride;
    for (const Point& point : kPoints) {
      const float* const weights = t.weights + point.line * kLineStep;
      switch (point.kind) {
        case Kind::kPlain:
          AddPoint<Kind::kPlain>(t, weights, point.at, point.factor, ahead);
          break;
        case Kind::kSum:
          AddPoint<Kind::kSum>(t, weights, point.at, point.factor, ahead);
          break;
        case Kind::kDifference:
          AddPoint<Kind::kDifference>(t, weights, point.at, point.factor, ahead);
          break;
        case Kind::kPoint:
          AddPoint<Kind::kPoint>(t, weights, point.at, point.factor, ahead);
      }
      t.rows += t.row_step;
      t.sums += t.sum_step;
    }
  }
}

#else

// Other levels do not take this form (see WinogradFormOf).
void MultiplyColumn(const WinogradColumn& /*column*/) {}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void MultiplyWinogradColumn(const WinogradColumn& column) {
  MULLION_SIMD_CALL(MultiplyColumn)(column);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
