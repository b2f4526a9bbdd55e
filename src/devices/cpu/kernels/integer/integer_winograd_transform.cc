// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_winograd_transform.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer/integer_winograd_transform.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace {

namespace hn = hwy::HWY_NAMESPACE;
using integer_winograd::kPoints;
using integer_winograd::kTile;
using integer_winograd::kWindow;

// Inputs of a line to points, by the transpose of B.
template <class V>
HWY_INLINE void IntegerPoints(const V (&d)[kWindow], V (&points)[kWindow]) {
  const V a = hn::Sub(d[4], d[2]);
  const V b = hn::Sub(d[3], d[1]);
  const V even = hn::Sub(d[4], hn::ShiftLeft<2>(d[2]));
  const V odd = hn::Sub(d[3], hn::ShiftLeft<2>(d[1]));
  points[0] = hn::Add(a, hn::ShiftLeft<2>(hn::Sub(d[0], d[2])));
  points[1] = hn::Add(even, odd);
  points[2] = hn::Sub(even, odd);
  points[3] = hn::Add(a, hn::ShiftLeft<1>(b));
  points[4] = hn::Sub(a, hn::ShiftLeft<1>(b));
  points[5] = hn::Sub(hn::Sub(d[5], d[3]), hn::ShiftLeft<2>(b));
}

// Sums at the points to 24 times the outputs of a line, by the transpose of A.
template <class V>
HWY_INLINE void IntegerOutputs(const V (&m)[kWindow], V (&outputs)[kTile]) {
  const V sum = hn::Add(m[1], m[2]);
  const V difference = hn::Sub(m[1], m[2]);
  const V sum2 = hn::Add(m[3], m[4]);
  const V difference2 = hn::Sub(m[3], m[4]);
  outputs[0] = hn::Add(hn::Add(m[0], sum), sum2);
  outputs[1] = hn::Add(difference, hn::ShiftLeft<1>(difference2));
  outputs[2] = hn::Add(sum, hn::ShiftLeft<2>(sum2));
  outputs[3] = hn::Add(hn::Add(difference, hn::ShiftLeft<3>(difference2)), hn::ShiftLeft<1>(m[5]));
}

}  // namespace

void TransformIntegerInput(const integer_winograd::Input& tile) {
  const hn::CappedTag<int16_t, integer_winograd::kFewestChannels> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  using V = hn::Vec<decltype(d)>;
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  const auto flip = hn::Set(d8, tile.flip);
  // The last vector overlaps the one before it.
  for (int64_t c = 0; c < tile.channels; c += kLanes) {
    c = std::min(c, tile.channels - kLanes);
    HWY_ALIGN int16_t lines[kPoints * kLanes];
    for (int64_t j = 0; j < kWindow; ++j) {
      V x[kWindow];
      V points[kWindow];
#pragma GCC unroll 6
      for (int64_t i = 0; i < kWindow; ++i) {
        const uint8_t* const from = tile.pixels[static_cast<size_t>(i * kWindow + j)] + c;
        x[i] = hn::PromoteTo(d, hn::Xor(hn::LoadU(d8, from), flip));
      }
      IntegerPoints(x, points);
#pragma GCC unroll 6
      for (int64_t i = 0; i < kWindow; ++i) {
        hn::Store(points[i], d, lines + (i * kWindow + j) * kLanes);
      }
    }
    for (int64_t i = 0; i < kWindow; ++i) {
      V x[kWindow];
      V points[kWindow];
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; ++j) {
        x[j] = hn::Load(d, lines + (i * kWindow + j) * kLanes);
      }
      IntegerPoints(x, points);
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; ++j) {
        hn::StoreU(points[j], d, tile.out + (i * kWindow + j) * tile.point_stride + c);
      }
    }
  }
}

void TransformIntegerSums(const integer_winograd::Output& tile) {
  const hn::CappedTag<int32_t, kColumnGroup> d;
  using V = hn::Vec<decltype(d)>;
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  const V ninth = hn::Set(d, 0x38e38e39);
  for (int64_t c = 0; c < tile.columns; c += kLanes) {
    HWY_ALIGN int32_t lines[kTile * kWindow * kLanes];
    V m[kWindow];
    V outputs[kTile];
    for (int64_t j = 0; j < kWindow; ++j) {
#pragma GCC unroll 6
      for (int64_t i = 0; i < kWindow; ++i) {
        m[i] = hn::LoadU(d, tile.sums + (i * kWindow + j) * tile.point_stride + c);
      }
      IntegerOutputs(m, outputs);
#pragma GCC unroll 4
      for (int64_t i = 0; i < kTile; ++i) {
        hn::Store(outputs[i], d, lines + (i * kWindow + j) * kLanes);
      }
    }
    const V init = hn::LoadU(d, tile.init + c);
    for (int64_t i = 0; i < kTile; ++i) {
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; ++j) m[j] = hn::Load(d, lines + (i * kWindow + j) * kLanes);
      IntegerOutputs(m, outputs);
      int32_t* const line = tile.out + i * tile.line_stride + c;
#pragma GCC unroll 4
      for (int64_t j = 0; j < kTile; ++j) {
        const V sum = hn::ShiftRight<6>(hn::Mul(outputs[j], ninth));
        hn::StoreU(hn::Add(sum, init), d, line + j * integer_winograd::kPanelColumns);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu::integer_winograd {

void TransformInput(const Input& tile) { MULLION_SIMD_CALL(TransformIntegerInput)(tile); }

void TransformSums(const Output& tile) { MULLION_SIMD_CALL(TransformIntegerSums)(tile); }

}  // namespace mullion::cpu::integer_winograd
#endif  // HWY_ONCE
