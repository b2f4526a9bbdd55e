// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/quantize.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/quantize.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
using D32 = hn::RebindToSigned<D>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));

// Scale and zero point of the elements from `i` on.
template <bool kEach>
struct Steps {
  explicit Steps(const QuantizationSteps& steps)
      : from(steps), scale(hn::Set(D(), *steps.scale)), zero(hn::Set(D(), *steps.zero_point)) {}
  HWY_INLINE V Scale(int64_t i) const { return kEach ? hn::LoadU(D(), from.scale + i) : scale; }
  HWY_INLINE V Zero(int64_t i) const { return kEach ? hn::LoadU(D(), from.zero_point + i) : zero; }
  HWY_INLINE V Scale(int64_t i, size_t count) const {
    return kEach ? LoadFirstOr(D(), from.scale + i, count, hn::Set(D(), 1.0f)) : scale;
  }
  HWY_INLINE V Zero(int64_t i, size_t count) const {
    return kEach ? LoadFirst(D(), from.zero_point + i, count) : zero;
  }
  QuantizationSteps from;
  V scale;
  V zero;
};

// The comparison takes NaN to `low` on every instruction set, which Max does not.
HWY_INLINE V Quantized(V x, V scale, V zero, V low, V high) {
  const V q = hn::Add(hn::Round(hn::Div(x, scale)), zero);
  return hn::Min(hn::IfThenElse(hn::Gt(q, low), q, low), high);
}

template <bool kEach>
void QuantizeFloatsLoop(float* x, int64_t count, const Steps<kEach> steps, float low, float high) {
  const D d;
  const V least = hn::Set(d, low);
  const V most = hn::Set(d, high);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V q = Quantized(hn::LoadU(d, x + i), steps.Scale(i), steps.Zero(i), least, most);
    hn::StoreU(q, d, x + i);
  }
  const size_t rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  const V q =
      Quantized(LoadFirst(d, x + i, rest), steps.Scale(i, rest), steps.Zero(i, rest), least, most);
  StoreFirst(q, d, x + i, rest);
}

template <typename T, bool kEach>
void QuantizeLoop(const float* HWY_RESTRICT x, T* HWY_RESTRICT y, int64_t count,
                  const Steps<kEach> steps) {
  const D d;
  const hn::Rebind<T, D> d8;
  const V least = hn::Set(d, static_cast<float>(std::is_signed_v<T> ? -128 : 0));
  const V most = hn::Set(d, static_cast<float>(std::is_signed_v<T> ? 127 : 255));
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V q = Quantized(hn::LoadU(d, x + i), steps.Scale(i), steps.Zero(i), least, most);
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(D32(), q)), d8, y + i);
  }
  const size_t rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  const V q =
      Quantized(LoadFirst(d, x + i, rest), steps.Scale(i, rest), steps.Zero(i, rest), least, most);
  HWY_ALIGN T last[kLanes];
  hn::Store(hn::DemoteTo(d8, hn::ConvertTo(D32(), q)), d8, last);
  std::memcpy(y + i, last, rest);
}

template <bool kEach>
void DequantizeFloatsLoop(float* x, int64_t count, const Steps<kEach> steps) {
  const D d;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V q = hn::LoadU(d, x + i);
    hn::StoreU(hn::Mul(hn::Sub(q, steps.Zero(i)), steps.Scale(i)), d, x + i);
  }
  const size_t rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  const V q = LoadFirst(d, x + i, rest);
  StoreFirst(hn::Mul(hn::Sub(q, steps.Zero(i, rest)), steps.Scale(i, rest)), d, x + i, rest);
}

template <typename T, bool kEach>
void DequantizeLoop(const T* HWY_RESTRICT x, float* HWY_RESTRICT y, int64_t count,
                    const Steps<kEach> steps) {
  const D d;
  const hn::Rebind<T, D> d8;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V q = hn::ConvertTo(d, hn::PromoteTo(D32(), hn::LoadU(d8, x + i)));
    hn::StoreU(hn::Mul(hn::Sub(q, steps.Zero(i)), steps.Scale(i)), d, y + i);
  }
  const size_t rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  HWY_ALIGN T last[kLanes] = {};
  std::memcpy(last, x + i, rest);
  const V q = hn::ConvertTo(d, hn::PromoteTo(D32(), hn::Load(d8, last)));
  StoreFirst(hn::Mul(hn::Sub(q, steps.Zero(i, rest)), steps.Scale(i, rest)), d, y + i, rest);
}

}  // namespace

void QuantizeFloatsSimd(float* x, int64_t count, const QuantizationSteps& steps, float low,
                        float high) {
  if (steps.each) {
    QuantizeFloatsLoop(x, count, Steps<true>(steps), low, high);
  } else {
    QuantizeFloatsLoop(x, count, Steps<false>(steps), low, high);
  }
}

void QuantizeToBytesSimd(const float* x, bool is_signed, void* y, int64_t count,
                         const QuantizationSteps& steps) {
  const auto run = [&](const auto& s) {
    if (is_signed) {
      QuantizeLoop(x, static_cast<int8_t*>(y), count, s);
    } else {
      QuantizeLoop(x, static_cast<uint8_t*>(y), count, s);
    }
  };
  if (steps.each) {
    run(Steps<true>(steps));
  } else {
    run(Steps<false>(steps));
  }
}

void DequantizeFloatsSimd(float* x, int64_t count, const QuantizationSteps& steps) {
  if (steps.each) {
    DequantizeFloatsLoop(x, count, Steps<true>(steps));
  } else {
    DequantizeFloatsLoop(x, count, Steps<false>(steps));
  }
}

void DequantizeBytesSimd(const void* x, bool is_signed, float* y, int64_t count,
                         const QuantizationSteps& steps) {
  const auto run = [&](const auto& s) {
    if (is_signed) {
      DequantizeLoop(static_cast<const int8_t*>(x), y, count, s);
    } else {
      DequantizeLoop(static_cast<const uint8_t*>(x), y, count, s);
    }
  };
  if (steps.each) {
    run(Steps<true>(steps));
  } else {
    run(Steps<false>(steps));
  }
}

void WidenRangeSimd(const float* x, int64_t count, float* low, float* high) {
  const D d;
  // Two of each, or the chain of minima would set the pace.
  V least0 = hn::Set(d, *low);
  V most0 = hn::Set(d, *high);
  V least1 = least0;
  V most1 = most0;
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const V a = hn::LoadU(d, x + i);
    const V b = hn::LoadU(d, x + i + kLanes);
    least0 = hn::IfThenElse(hn::Lt(a, least0), a, least0);
    least1 = hn::IfThenElse(hn::Lt(b, least1), b, least1);
    most0 = hn::IfThenElse(hn::Gt(a, most0), a, most0);
    most1 = hn::IfThenElse(hn::Gt(b, most1), b, most1);
  }
  HWY_ALIGN float lanes[2 * kLanes];
  hn::Store(hn::Min(least0, least1), d, lanes);
  hn::Store(hn::Max(most0, most1), d, lanes + kLanes);
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    *low = std::min(*low, lanes[lane]);
    *high = std::max(*high, lanes[kLanes + lane]);
  }
  for (; i < count; ++i) {
    if (x[i] < *low) *low = x[i];
    if (x[i] > *high) *high = x[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void QuantizeFloats(float* x, int64_t count, const QuantizationSteps& steps, float low,
                    float high) {
  MULLION_SIMD_CALL(QuantizeFloatsSimd)(x, count, steps, low, high);
}

void QuantizeToBytes(const float* x, bool is_signed, void* y, int64_t count,
                     const QuantizationSteps& steps) {
  MULLION_SIMD_CALL(QuantizeToBytesSimd)(x, is_signed, y, count, steps);
}

void DequantizeFloats(float* x, int64_t count, const QuantizationSteps& steps) {
  MULLION_SIMD_CALL(DequantizeFloatsSimd)(x, count, steps);
}

void DequantizeBytes(const void* x, bool is_signed, float* y, int64_t count,
                     const QuantizationSteps& steps) {
  MULLION_SIMD_CALL(DequantizeBytesSimd)(x, is_signed, y, count, steps);
}

void WidenRange(const float* x, int64_t count, float* low, float* high) {
  MULLION_SIMD_CALL(WidenRangeSimd)(x, count, low, high);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
