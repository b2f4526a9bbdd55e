// SPDX-License-Identifier: MIT
// Floats to bytes by one scale and zero point, and their range, for kernel files (see simd.h for
// their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_QUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_QUANTIZE_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_QUANTIZE_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_QUANTIZE_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "devices/cpu/kernels/quantize.h"

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

// The same to bytes, signed or not, with one scale for all.
//
// A product with the reciprocal, each rounded, is within 2^-22 of the rounded quotient, so below
// 512 within 2^-13: it rounds to the same whole number unless it lies that near to the middle of
// two, when the division is made after all. From 512 on both are clamped.
template <class D>
class ByteQuantizer {
 public:
  using V = hwy::HWY_NAMESPACE::Vec<D>;
  using Bytes = hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::Rebind<uint8_t, D>>;

  ByteQuantizer(float scale, float zero_point, bool is_signed)
      : scale_(hwy::HWY_NAMESPACE::Set(D(), scale)),
        reciprocal_(hwy::HWY_NAMESPACE::Set(D(), 1.0f / scale)),
        zero_(hwy::HWY_NAMESPACE::Set(D(), zero_point)),
        low_(hwy::HWY_NAMESPACE::Set(D(), (is_signed ? -128.0f : 0.0f) - zero_point)),
        high_(hwy::HWY_NAMESPACE::Set(D(), (is_signed ? 127.0f : 255.0f) - zero_point)),
        bias_(hwy::HWY_NAMESPACE::Set(D(), kRoundingBias + zero_point)),
        // Subnormal numbers have fewer digits: then every quotient is taken for doubtful.
        certain_(hwy::HWY_NAMESPACE::Set(D(), std::isnormal(scale) && std::isnormal(1.0f / scale)
                                                  ? 0.5f - 1.0f / 4096
                                                  : -1.0f)) {}

  HWY_INLINE Bytes operator()(V x) const {
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::RebindToUnsigned<D> du;
    // NaN becomes the bound on x86, and is doubtful elsewhere.
    const V quotient = hn::Min(hn::Max(hn::Mul(x, reciprocal_), low_), high_);
    V biased = hn::Add(quotient, bias_);
    const V error = hn::Sub(quotient, hn::Sub(biased, bias_));
    if (HWY_UNLIKELY(!hn::AllTrue(D(), hn::Le(hn::Abs(error), certain_)))) {
      const V low = hn::Add(low_, zero_);
      const V exact = QuantizedByDivision(x, scale_, zero_, low, hn::Add(high_, zero_));
      biased = hn::Add(exact, hn::Set(D(), kRoundingBias));
    }
    return LowBytes(D(), hn::BitCast(du, biased));
  }

 private:
  V scale_;
  V reciprocal_;
  V zero_;
  V low_;
  V high_;
  V bias_;
  V certain_;
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
    most_ = hn::Max(v, most_);
#else
    least_ = hn::IfThenElse(hn::Lt(v, least_), v, least_);
    most_ = hn::IfThenElse(hn::Gt(v, most_), v, most_);
#endif
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

#endif  // MULLION_DEVICES_CPU_KERNELS_QUANTIZE_INL_H_
