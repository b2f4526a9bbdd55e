// SPDX-License-Identifier: MIT
// Floats to bytes by one scale and zero point, and their range, for kernel files (see simd.h for
// their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "devices/cpu/kernels/elementwise/quantize.h"

#include "devices/cpu/kernels/simd/byte_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// round(x / scale) + zero point, to nearest even, clamped. The comparison takes NaN to `low` on
// every instruction set, which Max does not.
template <class V>
HWY_INLINE V QuantizedByDivision(V x, V scale, V zero, V low, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V q = hn::Add(hn::Round(hn::Div(x, scale)), zero);
  return hn::Min(hn::IfThenElse(hn::Gt(q, low), q, low), high);
}

// Adding it leaves a number whose last place is worth one: the sum is rounded to a whole number, to
// nearest even, that stands in the low bits. For |x| < 2^21.
inline constexpr float kRoundingBias = 12582912.0f;  // 1.5 * 2^23

// The low bytes of float bits.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::Rebind<uint8_t, D>> LowBytes(
    D /*d*/, hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::RebindToUnsigned<D>> bits) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::TruncateTo(hn::Rebind<uint8_t, D>(), bits);
}

// The same to bytes, signed or not, with one scale for all, four vectors at a time.
//
// The product with the reciprocal is made in 1/4096, with half of one added, and rounded to a whole
// number. Where the result is no clamped one, |x / scale| < 2^8: so the reciprocal, the product,
// the sum and the quotient that is meant are off by at most 2^-24 * 2^8 * 4096 = 1/16 each, and the
// whole number by less than one in all. It lies on the same side of a multiple of 4096 as the
// quotient then, unless it is one: when the division is made after all.
class ByteQuantizer {
 public:
  using D = byte_quad::DF;
  using V = byte_quad::VF;

  ByteQuantizer(float scale, float zero_point, bool is_signed)
      : scale_(hwy::HWY_NAMESPACE::Set(D(), scale)),
        reciprocal_(hwy::HWY_NAMESPACE::Set(D(), kOne / scale)),
        low_(hwy::HWY_NAMESPACE::Set(D(), (is_signed ? -128.0f : 0.0f) - zero_point)),
        high_(hwy::HWY_NAMESPACE::Set(D(), (is_signed ? 127.0f : 255.0f) - zero_point)),
        // Bounds halfway between multiples of 4096 are never doubtful.
        rounding_(((is_signed ? -129.0f : -1.0f) - zero_point) * kOne + kHalf,
                  ((is_signed ? 128.0f : 256.0f) - zero_point) * kOne + kHalf),
        // Subnormal numbers have fewer digits: then every quotient is taken for doubtful.
        fraction_(hwy::HWY_NAMESPACE::Set(
            byte_quad::D32(),
            std::isnormal(scale) && std::isnormal(kOne / scale) ? (1 << kBits) - 1 : 0)),
        narrow_(static_cast<int32_t>(zero_point), is_signed, false) {}

  HWY_INLINE byte_quad::Quad operator()(V a, V b, V c, V d) const {
    namespace hn = hwy::HWY_NAMESPACE;
    const byte_quad::D32 di;
    const auto fixed = [&](V x) HWY_ATTR {
      return rounding_(hn::MulAdd(x, reciprocal_, hn::Set(D(), kHalf)));
    };
    auto qa = fixed(a);
    auto qb = fixed(b);
    auto qc = fixed(c);
    auto qd = fixed(d);
    const auto least = hn::Min(hn::Min(hn::And(qa, fraction_), hn::And(qb, fraction_)),
                               hn::Min(hn::And(qc, fraction_), hn::And(qd, fraction_)));
    if (HWY_LIKELY(hn::AllFalse(di, hn::Eq(least, hn::Zero(di))))) {
      return narrow_(hn::ShiftRight<kBits>(qa), hn::ShiftRight<kBits>(qb),
                     hn::ShiftRight<kBits>(qc), hn::ShiftRight<kBits>(qd));
    }
    return narrow_(Exact(a), Exact(b), Exact(c), Exact(d));
  }

 private:
  static constexpr int kBits = 12;
  static constexpr float kOne = 1 << kBits;
  static constexpr float kHalf = kOne / 2;

  HWY_INLINE byte_quad::V32 Exact(V x) const {
    namespace hn = hwy::HWY_NAMESPACE;
    return hn::ConvertTo(byte_quad::D32(),
                         QuantizedByDivision(x, scale_, hn::Zero(D()), low_, high_));
  }

  V scale_;
  V reciprocal_;
  V low_;
  V high_;
  byte_quad::Rounding rounding_;
  byte_quad::V32 fraction_;
  byte_quad::Narrowing narrow_;
};

// The least and greatest of many vectors and zero; NaN is passed over.
template <class D>
class VectorRange {
 public:
  using V = hwy::HWY_NAMESPACE::Vec<D>;

  VectorRange() : least_(hwy::HWY_NAMESPACE::Zero(D())), most_(hwy::HWY_NAMESPACE::Zero(D())) {}

  HWY_INLINE void Widen(V v) {
    namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    // The instructions give their second operand when either is NaN.
    least_ = hn::Min(v, least_);
#else
    least_ = hn::IfThenElse(hn::Lt(v, least_), v, least_);
#endif
    WidenUp(v);
  }

  HWY_INLINE void WidenUp(V v) {
    namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    most_ = hn::Max(v, most_);
#else
    most_ = hn::IfThenElse(hn::Gt(v, most_), v, most_);
#endif
  }

  // By the lanes of another range that are set.
  HWY_INLINE void Widen(const VectorRange& other, hwy::HWY_NAMESPACE::Mask<D> lanes) {
    namespace hn = hwy::HWY_NAMESPACE;
    Widen(hn::IfThenElseZero(lanes, other.least_));
    Widen(hn::IfThenElseZero(lanes, other.most_));
  }

  void AddTo(FloatRange* range) const {
    namespace hn = hwy::HWY_NAMESPACE;
    range->Widen(
        {hn::GetLane(hn::MinOfLanes(D(), least_)), hn::GetLane(hn::MaxOfLanes(D(), most_))});
  }

 private:
  V least_;
  V most_;
};

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_QUANTIZE_INL_H_
