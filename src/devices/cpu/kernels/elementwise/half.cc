// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/half.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/half.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The processor's own conversions where the instruction set has them; the plain ones of Highway
// truncate and lose infinities. Elsewhere the bits of base/small_float.cc, several at a time.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
#define MULLION_NATIVE_HALF 1
#else
#define MULLION_NATIVE_HALF 0
#endif

template <class D>
HWY_INLINE hn::Vec<D> LoadHalf(D d, const Float16* from) {
#if MULLION_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(from)));
#else
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> dh;
  const auto bits = hn::PromoteTo(du, hn::LoadU(dh, reinterpret_cast<const uint16_t*>(from)));
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000u)));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7fffu));
  const auto shifted = hn::ShiftLeft<13>(magnitude);
  // The exponent's bias grows from 15 to 127; that of infinity and NaN to 255.
  const auto normal = hn::Add(shifted, hn::Set(du, 0x38000000u));
  const auto special = hn::Add(shifted, hn::Set(du, 0x70000000u));
  const auto small = hn::BitCast(du, hn::Mul(hn::ConvertTo(d, hn::BitCast(di, magnitude)),
                                             hn::Set(d, 5.9604644775390625e-8f)));  // 2^-24
  const auto compared = hn::BitCast(di, magnitude);
  const auto finite =
      hn::IfThenElse(hn::RebindMask(du, hn::Lt(compared, hn::Set(di, 0x400))), small, normal);
  const auto any =
      hn::IfThenElse(hn::RebindMask(du, hn::Gt(compared, hn::Set(di, 0x7bff))), special, finite);
  return hn::BitCast(d, hn::Or(any, sign));
#endif
}

template <class D>
HWY_INLINE void StoreHalf([[maybe_unused]] D d, hn::Vec<D> v, Float16* to) {
#if MULLION_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, D> dh;
  hn::StoreU(hn::DemoteTo(dh, v), dh, reinterpret_cast<hwy::float16_t*>(to));
#else
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> dh;
  const auto word = hn::BitCast(du, v);
  const auto sign = hn::And(hn::ShiftRight<16>(word), hn::Set(du, 0x8000u));
  const auto magnitude = hn::And(word, hn::Set(du, 0x7fffffffu));
  const auto compared = hn::BitCast(di, magnitude);
  // Adding 0.5 to what is below 2^-14 aligns it so that its last place is that of a subnormal.
  const auto aligned = hn::Add(hn::BitCast(d, magnitude), hn::Set(d, 0.5f));
  const auto small = hn::Sub(hn::BitCast(du, aligned), hn::Set(du, 0x3f000000u));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1u));
  const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(du, 0xfffu)), odd);
  const auto normal = hn::ShiftRight<13>(hn::Sub(rounded, hn::Set(du, 0x38000000u)));
  auto bits =
      hn::IfThenElse(hn::RebindMask(du, hn::Lt(compared, hn::Set(di, 0x38800000))), small, normal);
  bits = hn::IfThenElse(hn::RebindMask(du, hn::Gt(compared, hn::Set(di, 0x477fefff))),
                        hn::Set(du, 0x7c00u), bits);
  const auto payload = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 0x3ffu));
  bits = hn::IfThenElse(hn::RebindMask(du, hn::Gt(compared, hn::Set(di, 0x7f800000))),
                        hn::Or(payload, hn::Set(du, 0x7e00u)), bits);
  const auto all = hn::BitCast(di, hn::Or(bits, sign));
  hn::StoreU(hn::DemoteTo(dh, all), dh, reinterpret_cast<uint16_t*>(to));
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> LoadHalf(D d, const Bfloat16* from) {
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> dh;
  const auto bits = hn::PromoteTo(du, hn::LoadU(dh, reinterpret_cast<const uint16_t*>(from)));
  return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

template <class D>
HWY_INLINE void StoreHalf([[maybe_unused]] D d, hn::Vec<D> v, Bfloat16* to) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> dh;
  const auto word = hn::BitCast(du, v);
  const auto high = hn::ShiftRight<16>(word);
  const auto odd = hn::And(high, hn::Set(du, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(word, hn::Set(du, 0x7fffu)), odd));
  const auto nan = hn::RebindMask(du, hn::IsNaN(v));
  const auto bits = hn::IfThenElse(nan, hn::Or(high, hn::Set(du, 0x40u)), rounded);
  hn::StoreU(hn::DemoteTo(dh, hn::BitCast(di, bits)), dh, reinterpret_cast<uint16_t*>(to));
}

template <typename Half>
void Widen(const Half* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(LoadHalf(d, x + i), d, y + i);
  for (; i < count; ++i) y[i] = static_cast<float>(x[i]);
}

template <typename Half>
void Narrow(const float* x, Half* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) StoreHalf(d, hn::LoadU(d, x + i), y + i);
  if (i == count) return;
  Half last[hn::MaxLanes(d)];
  StoreHalf(d, LoadFirst(d, x + i, count - i), last);
  std::copy(last, last + (count - i), y + i);
}

#undef MULLION_NATIVE_HALF

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void WidenToFloat(const Float16* x, float* y, size_t count) {
  MULLION_SIMD_CALL(Widen<Float16>)(x, y, count);
}
void WidenToFloat(const Bfloat16* x, float* y, size_t count) {
  MULLION_SIMD_CALL(Widen<Bfloat16>)(x, y, count);
}
void NarrowFromFloat(const float* x, Float16* y, size_t count) {
  MULLION_SIMD_CALL(Narrow<Float16>)(x, y, count);
}
void NarrowFromFloat(const float* x, Bfloat16* y, size_t count) {
  MULLION_SIMD_CALL(Narrow<Bfloat16>)(x, y, count);
}

void WidenToFloat(ElementType type, const void* x, float* y, size_t count) {
  if (type == ElementType::kFloat16) {
    WidenToFloat(static_cast<const Float16*>(x), y, count);
  } else {
    WidenToFloat(static_cast<const Bfloat16*>(x), y, count);
  }
}

void NarrowFromFloat(const float* x, ElementType type, void* y, size_t count) {
  if (type == ElementType::kFloat16) {
    NarrowFromFloat(x, static_cast<Float16*>(y), count);
  } else {
    NarrowFromFloat(x, static_cast<Bfloat16*>(y), count);
  }
}

}  // namespace mullion::cpu
#endif
