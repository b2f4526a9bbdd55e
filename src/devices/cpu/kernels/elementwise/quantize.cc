// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/quantize.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/quantize.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/quantize-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

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

template <bool kEach>
void QuantizeFloatsLoop(float* x, int64_t count, const Steps<kEach> steps, float low, float high) {
  const D d;
  const V least = hn::Set(d, low);
  const V most = hn::Set(d, high);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V q =
        QuantizedByDivision(hn::LoadU(d, x + i), steps.Scale(i), steps.Zero(i), least, most);
    hn::StoreU(q, d, x + i);
  }
  const size_t rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  const V q = QuantizedByDivision(LoadFirst(d, x + i, rest), steps.Scale(i, rest),
                                  steps.Zero(i, rest), least, most);
  StoreFirst(q, d, x + i, rest);
}

// By division, with a scale and a zero point for each.
void QuantizeEach(const float* HWY_RESTRICT x, uint8_t* HWY_RESTRICT y, int64_t count,
                  const Steps<true>& steps, float low, float high) {
  const D d;
  const hn::Rebind<uint8_t, D> d8;
  const V least = hn::Set(d, low);
  const V most = hn::Set(d, high);
  for (int64_t i = 0; i < count; i += kLanes) {
    const auto lanes = static_cast<size_t>(std::min(kLanes, count - i));
    const V v = LoadFirst(d, x + i, lanes);
    const V q = QuantizedByDivision(v, steps.Scale(i, lanes), steps.Zero(i, lanes), least, most);
    const auto bits = hn::BitCast(hn::RebindToUnsigned<D>(), hn::Add(q, hn::Set(d, kRoundingBias)));
    StoreFirst(LowBytes(d, bits), d8, y + i, lanes);
  }
}

void QuantizeAll(const float* HWY_RESTRICT x, uint8_t* HWY_RESTRICT y, int64_t count,
                 const ByteQuantizer quantize) {
  const D d;
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    const float* const from = x + i;
    quantize(hn::LoadU(d, from), hn::LoadU(d, from + kLanes), hn::LoadU(d, from + 2 * kLanes),
             hn::LoadU(d, from + 3 * kLanes))
        .Store(y + i);
  }
  const int64_t rest = count - i;
  if (rest == 0) return;
  HWY_ALIGN float last[4 * kLanes] = {};
  std::memcpy(last, x + i, static_cast<size_t>(rest) * sizeof(float));
  HWY_ALIGN uint8_t bytes[4 * kLanes];
  quantize(hn::Load(d, last), hn::Load(d, last + kLanes), hn::Load(d, last + 2 * kLanes),
           hn::Load(d, last + 3 * kLanes))
      .Store(bytes);
  std::memcpy(y + i, bytes, static_cast<size_t>(rest));
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
  auto* const bytes = static_cast<uint8_t*>(y);
  if (steps.each) {
    return QuantizeEach(x, bytes, count, Steps<true>(steps), is_signed ? -128.0f : 0.0f,
                        is_signed ? 127.0f : 255.0f);
  }
  QuantizeAll(x, bytes, count, ByteQuantizer(*steps.scale, *steps.zero_point, is_signed));
}

// Column by column of vectors down four rows at a time.
void QuantizeRowsSimd(const float* x, int64_t rows, int64_t columns, const QuantizationSteps& steps,
                      uint8_t* y, int64_t stride) {
  const D d;
  const ByteQuantizer quantize(*steps.scale, *steps.zero_point, /*is_signed=*/false);
  for (int64_t r = 0; r < rows; r += 4) {
    const byte_quad::Rows at(rows - r);
    const float* const from = x + r * columns;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const auto lanes = static_cast<size_t>(std::min(kLanes, columns - c));
      const auto load = [&](int64_t row)
                            HWY_ATTR { return LoadFirst(d, from + row * columns + c, lanes); };
      const auto quad = quantize(load(at.at[0]), load(at.at[1]), load(at.at[2]), load(at.at[3]));
      byte_quad::StoreRows(quad, at, columns - c, y + r * stride + c, stride);
    }
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

void WidenRangeSimd(const float* x, int64_t count, FloatRange* range) {
  const D d;
  // Two of them, or the chain of minima would set the pace.
  VectorRange<D> even;
  VectorRange<D> odd;
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    even.Widen(hn::LoadU(d, x + i));
    odd.Widen(hn::LoadU(d, x + i + kLanes));
  }
  even.AddTo(range);
  odd.AddTo(range);
  for (; i < count; ++i) range->Widen({x[i], x[i]});
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

void QuantizeRows(const float* x, int64_t rows, int64_t columns, const QuantizationSteps& steps,
                  uint8_t* y, int64_t stride) {
  MULLION_SIMD_CALL(QuantizeRowsSimd)(x, rows, columns, steps, y, stride);
}

void DequantizeFloats(float* x, int64_t count, const QuantizationSteps& steps) {
  MULLION_SIMD_CALL(DequantizeFloatsSimd)(x, count, steps);
}

void DequantizeBytes(const void* x, bool is_signed, float* y, int64_t count,
                     const QuantizationSteps& steps) {
  MULLION_SIMD_CALL(DequantizeBytesSimd)(x, is_signed, y, count, steps);
}

void WidenRange(const float* x, int64_t count, FloatRange* range) {
  MULLION_SIMD_CALL(WidenRangeSimd)(x, count, range);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
