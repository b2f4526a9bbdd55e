// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/row_dot.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/row_dot.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/lane_sums-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// kColumns rows of the right operand at once: enough streams to keep memory busy.
template <int kColumns>
HWY_INLINE void DotColumns(const RowDotArguments& a, int64_t row, int64_t column) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* const left = a.left + row * a.left_stride;
  const float* const right = a.right + column * a.right_stride;
  hn::Vec<decltype(d)> sums[kColumns];
#pragma GCC unroll 8
  for (int j = 0; j < kColumns; ++j) sums[j] = hn::Zero(d);
  int64_t k = 0;
  for (; k + lanes <= a.depth; k += lanes) {
    const auto x = hn::LoadU(d, left + k);
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; ++j) {
      sums[j] = hn::MulAdd(x, hn::LoadU(d, right + j * a.right_stride + k), sums[j]);
    }
  }
  if (k < a.depth) {
    const auto rest = static_cast<size_t>(a.depth - k);
    const auto x = LoadFirst(d, left + k, rest);
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; ++j) {
      sums[j] = hn::MulAdd(x, LoadFirst(d, right + j * a.right_stride + k, rest), sums[j]);
    }
  }
  float* const out = a.out + row * a.out_stride + column;
  HWY_ALIGN float results[4];
  if constexpr (kColumns == 4) {
    const bool plain = a.bias == nullptr && a.residual == nullptr;
    SumsOfLanes(d, sums[0], sums[1], sums[2], sums[3], plain ? out : results);
    if (plain) return;
  } else {
    static_assert(kColumns == 1);
    SumsOfLanes(d, sums[0], hn::Zero(d), hn::Zero(d), hn::Zero(d), results);
  }
#pragma GCC unroll 8
  for (int j = 0; j < kColumns; ++j) {
    float sum = results[j];
    if (a.bias != nullptr) sum += a.bias[column + j];
    if (a.residual != nullptr) sum += a.residual[row * a.residual_stride + column + j];
    out[j] = sum;
  }
}

void RowDot(const RowDotArguments& a, int64_t first, int64_t last) {
  constexpr int kColumns = 4;
  int64_t column = first;
  for (; column + kColumns <= last; column += kColumns) {
    for (int64_t row = 0; row < a.rows; ++row) DotColumns<kColumns>(a, row, column);
  }
  for (; column < last; ++column) {
    for (int64_t row = 0; row < a.rows; ++row) DotColumns<1>(a, row, column);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void RowDot(const RowDotArguments& arguments, int64_t first, int64_t last) {
  MULLION_SIMD_CALL(RowDot)(arguments, first, last);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
