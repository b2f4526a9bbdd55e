// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/convert_step.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/packed.h"
#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/kernels/elementwise/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/convert_step.cc"
#include "devices/cpu/kernels/elementwise/convert_value.h"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Plain loops, compiled for each instruction set: the compiler makes vector code of all of them. It
// sees that nothing is left over, and that no turn hangs on another.
template <typename From, typename To, typename Function>
HWY_INLINE void ConvertBlocks(const void* x, void* y, size_t count, Function function) {
  const auto* const from = static_cast<const From*>(x);
  auto* const to = static_cast<To*>(y);
  const size_t whole = count & ~(kConvertBlock - 1);
#pragma GCC ivdep
  for (size_t i = 0; i < whole; ++i) to[i] = function(from[i]);
}

template <typename From, typename To>
HWY_INLINE void ConvertRow(const void* x, void* y, size_t count) {
  ConvertBlocks<From, To>(x, y, count, [](From v) { return ConvertValue<To, From>(v); });
}

// What the compiler makes less of: vectors of doubles, floats widened to them, and what is out of
// range in Highway's words, where the nearer end stands for what is beyond. NaN becomes 0.
template <class V>
HWY_INLINE V ZeroForNan(V v) {
  return hn::IfThenElseZero(hn::Eq(v, v), v);
}

HWY_INLINE void ConvertToInt32(const float* x, int32_t* y, size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(hn::ConvertTo(di, ZeroForNan(hn::LoadU(d, x + i))), di, y + i);
  }
}

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR
HWY_INLINE void ConvertToInt32(const double* x, int32_t* y, size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<int32_t, decltype(d)> di;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(di, ZeroForNan(hn::LoadU(d, x + i))), di, y + i);
  }
}

template <class D>
HWY_INLINE hn::Vec<D> LoadAsDouble(D d, const double* x) {
  return hn::LoadU(d, x);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadAsDouble(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}

template <typename Real, bool kUnsigned>
HWY_INLINE void ConvertTo64(const void* x, void* y, size_t count) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto v = ZeroForNan(LoadAsDouble(d, static_cast<const Real*>(x) + i));
    auto whole = hn::ConvertTo(di, v);
    if constexpr (kUnsigned) {
      // 2^63 and more do not fit int64; 2^64 and more end up at its end.
      const auto end = hn::Set(d, 9223372036854775808.0);
      const auto high = hn::ConvertTo(di, hn::Sub(v, end));
      const auto bit = hn::Set(di, std::numeric_limits<int64_t>::min());
      whole = hn::IfThenElse(hn::RebindMask(di, hn::Ge(v, end)), hn::Xor(high, bit), whole);
    }
    hn::StoreU(whole, di, static_cast<int64_t*>(y) + i);
  }
}

// See RoundToOdd.
HWY_INLINE void ConvertToOdd(const double* x, float* y, size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  const hn::Rebind<uint32_t, decltype(d)> du;
  const hn::RebindToUnsigned<decltype(d)> dw;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, x + i);
    const auto nearest = hn::DemoteTo(df, v);
    const auto back = hn::PromoteTo(d, nearest);
    const auto inexact = hn::Or(hn::Lt(back, v), hn::Gt(back, v));
    const auto away = hn::Gt(hn::Abs(back), hn::Abs(v));
    const auto one = hn::IfThenElseZero(hn::RebindMask(dw, inexact), hn::Set(dw, 1));
    const auto less = hn::IfThenElseZero(hn::RebindMask(dw, away), hn::Set(dw, 1));
    const auto bits = hn::Sub(hn::BitCast(du, nearest), hn::TruncateTo(du, less));
    hn::StoreU(hn::BitCast(df, hn::Or(bits, hn::TruncateTo(du, one))), df, y + i);
  }
}
#else  // wasm has no vectors of doubles, SCALAR other ends
HWY_INLINE void ConvertToInt32(const double* x, int32_t* y, size_t count) {
  ConvertRow<double, int32_t>(x, y, count);
}

template <typename Real, bool kUnsigned>
HWY_INLINE void ConvertTo64(const void* x, void* y, size_t count) {
  ConvertRow<Real, std::conditional_t<kUnsigned, uint64_t, int64_t> >(x, y, count);
}

HWY_INLINE void ConvertToOdd(const double* x, float* y, size_t count) {
  ConvertBlocks<double, float>(x, y, count, [](double v) { return RoundToOdd(v); });
}
#endif

// The low bits of int64. Those of int32 are the same within its range, where most numbers are.
template <typename Real>
HWY_INLINE void ConvertToUint32(const void* x, void* y, size_t count) {
  const auto* from = static_cast<const Real*>(x);
  auto* to = static_cast<uint32_t*>(y);
  for (const Real* const end = from + count; from != end;
       from += kConvertBlock, to += kConvertBlock) {
    uint32_t beyond = 0;
    for (size_t i = 0; i < kConvertBlock; ++i) {
      beyond |= std::fabs(from[i]) < Real{2147483648} ? 0 : 1;
    }
    if (beyond == 0) {
      ConvertToInt32(from, reinterpret_cast<int32_t*>(to), kConvertBlock);
    } else {
      for (size_t i = 0; i < kConvertBlock; ++i) to[i] = ConvertValue<uint32_t, Real>(from[i]);
    }
  }
}

#if HWY_TARGET != HWY_SCALAR
// Two bytes of a pair's low bits in place of one, and four.
template <int kBits>
HWY_INLINE void UnpackRow(const uint8_t* x, uint8_t* y, size_t count, bool is_signed) {
  using Wide = hwy::UnsignedFromSize<8 / kBits>;
  const hn::ScalableTag<Wide> d;
  const hn::Rebind<uint8_t, decltype(d)> d_packed;
  const hn::Repartition<uint8_t, decltype(d)> d_bytes;
  const auto sign = hn::Set(d_bytes, static_cast<uint8_t>(is_signed ? 1 << (kBits - 1) : 0));
  for (size_t i = 0; i < count; i += hn::Lanes(d_bytes)) {
    auto v = hn::PromoteTo(d, hn::LoadU(d_packed, x + i * kBits / 8));
    if constexpr (kBits == 2) {
      v = hn::And(hn::Or(v, hn::ShiftLeft<12>(v)), hn::Set(d, 0x000f000fu));
      v = hn::And(hn::Or(v, hn::ShiftLeft<6>(v)), hn::Set(d, 0x03030303u));
    } else {
      v = hn::And(hn::Or(v, hn::ShiftLeft<4>(v)), hn::Set(d, 0x0f0f));
    }
    const auto bytes = hn::BitCast(d_bytes, v);
    hn::StoreU(hn::Sub(hn::Xor(bytes, sign), sign), d_bytes, y + i);
  }
}

template <int kBits>
HWY_INLINE void PackRow(const uint8_t* x, uint8_t* y, size_t count) {
  using Wide = hwy::UnsignedFromSize<8 / kBits>;
  const hn::ScalableTag<Wide> d;
  const hn::Rebind<uint8_t, decltype(d)> d_packed;
  const hn::Repartition<uint8_t, decltype(d)> d_bytes;
  for (size_t i = 0; i < count; i += hn::Lanes(d_bytes)) {
    auto v = hn::BitCast(d, hn::LoadU(d_bytes, x + i));
    if constexpr (kBits == 2) {
      v = hn::And(v, hn::Set(d, 0x03030303u));
      v = hn::Or(v, hn::ShiftRight<6>(v));
      v = hn::And(hn::Or(v, hn::ShiftRight<12>(v)), hn::Set(d, 0xffu));
    } else {
      v = hn::And(v, hn::Set(d, 0x0f0f));
      v = hn::And(hn::Or(v, hn::ShiftRight<4>(v)), hn::Set(d, 0xff));
    }
    hn::StoreU(hn::TruncateTo(d_packed, v), d_packed, y + i * kBits / 8);
  }
}
#else
template <int kBits>
void UnpackRow(const uint8_t* x, uint8_t* y, size_t count, bool is_signed) {
  constexpr ElementType kSigned = kBits == 2 ? ElementType::kInt2 : ElementType::kInt4;
  constexpr ElementType kUnsigned = kBits == 2 ? ElementType::kUint2 : ElementType::kUint4;
  UnpackElements(is_signed ? kSigned : kUnsigned, x, y, static_cast<int64_t>(count));
}

template <int kBits>
void PackRow(const uint8_t* x, uint8_t* y, size_t count) {
  constexpr ElementType kType = kBits == 2 ? ElementType::kUint2 : ElementType::kUint4;
  PackElements(kType, x, y, static_cast<int64_t>(count));
}
#endif

void RunStep(ConvertStep step, const void* x, void* y, size_t count,
             const ConvertStepOptions& options) {
  const auto* const bytes = static_cast<const uint8_t*>(x);
  auto* const to = static_cast<uint8_t*>(y);
  switch (step) {
    case ConvertStep::kU8To16:
      return ConvertRow<uint8_t, uint16_t>(x, y, count);
    case ConvertStep::kI8To16:
      return ConvertRow<int8_t, int16_t>(x, y, count);
    case ConvertStep::kU8To32:
      return ConvertRow<uint8_t, uint32_t>(x, y, count);
    case ConvertStep::kI8To32:
      return ConvertRow<int8_t, int32_t>(x, y, count);
    case ConvertStep::kU16To32:
      return ConvertRow<uint16_t, uint32_t>(x, y, count);
    case ConvertStep::kI16To32:
      return ConvertRow<int16_t, int32_t>(x, y, count);
    case ConvertStep::kU32To64:
      return ConvertRow<uint32_t, uint64_t>(x, y, count);
    case ConvertStep::kI32To64:
      return ConvertRow<int32_t, int64_t>(x, y, count);
    case ConvertStep::k16To8:
      return ConvertRow<uint16_t, uint8_t>(x, y, count);
    case ConvertStep::k32To8:
      return ConvertRow<uint32_t, uint8_t>(x, y, count);
    case ConvertStep::k32To16:
      return ConvertRow<uint32_t, uint16_t>(x, y, count);
    case ConvertStep::k64To32:
      return ConvertRow<uint64_t, uint32_t>(x, y, count);
    case ConvertStep::kTest8:
      return ConvertRow<uint8_t, bool>(x, y, count);
    case ConvertStep::kTest16:
      return ConvertRow<uint16_t, bool>(x, y, count);
    case ConvertStep::kTest32:
      return ConvertRow<uint32_t, bool>(x, y, count);
    case ConvertStep::kTest64:
      return ConvertRow<uint64_t, bool>(x, y, count);
    case ConvertStep::kTestF:
      return ConvertRow<float, bool>(x, y, count);
    case ConvertStep::kTestD:
      return ConvertRow<double, bool>(x, y, count);
    case ConvertStep::kU8ToF:
      return ConvertRow<uint8_t, float>(x, y, count);
    case ConvertStep::kI8ToF:
      return ConvertRow<int8_t, float>(x, y, count);
    case ConvertStep::kI32ToF:
      return ConvertRow<int32_t, float>(x, y, count);
    case ConvertStep::kI32ToOddF:
      return ConvertBlocks<int32_t, float>(x, y, count, [](int32_t v) { return RoundToOdd(v); });
    case ConvertStep::kU32ToOddF:
      return ConvertBlocks<uint32_t, float>(x, y, count, [](uint32_t v) { return RoundToOdd(v); });
    case ConvertStep::kI64ToF:
      return ConvertRow<int64_t, float>(x, y, count);
    case ConvertStep::kU64ToF:
      return ConvertRow<uint64_t, float>(x, y, count);
    case ConvertStep::kI32ToD:
      return ConvertRow<int32_t, double>(x, y, count);
    case ConvertStep::kU32ToD:
      return ConvertRow<uint32_t, double>(x, y, count);
    case ConvertStep::kI64ToD:
      return ConvertRow<int64_t, double>(x, y, count);
    case ConvertStep::kU64ToD:
      return ConvertRow<uint64_t, double>(x, y, count);
    case ConvertStep::kFToI32:
      return ConvertToInt32(static_cast<const float*>(x), static_cast<int32_t*>(y), count);
    case ConvertStep::kFToU32:
      return ConvertToUint32<float>(x, y, count);
    case ConvertStep::kFToI64:
      return ConvertTo64<float, false>(x, y, count);
    case ConvertStep::kFToU64:
      return ConvertTo64<float, true>(x, y, count);
    case ConvertStep::kDToI32:
      return ConvertToInt32(static_cast<const double*>(x), static_cast<int32_t*>(y), count);
    case ConvertStep::kDToU32:
      return ConvertToUint32<double>(x, y, count);
    case ConvertStep::kDToI64:
      return ConvertTo64<double, false>(x, y, count);
    case ConvertStep::kDToU64:
      return ConvertTo64<double, true>(x, y, count);
    case ConvertStep::kFToD:
      return ConvertRow<float, double>(x, y, count);
    case ConvertStep::kDToF:
      return ConvertRow<double, float>(x, y, count);
    case ConvertStep::kDToOddF:
      return ConvertToOdd(static_cast<const double*>(x), static_cast<float*>(y), count);
    case ConvertStep::kRoundF:
      return ConvertBlocks<float, float>(x, y, count, [](float v) { return std::nearbyint(v); });
    case ConvertStep::kRoundD:
      return ConvertBlocks<double, double>(x, y, count, [](double v) { return std::nearbyint(v); });
    case ConvertStep::kFToSmall:
      return ConvertBlocks<float, uint8_t>(
          x, y, count, [format = *options.format, saturate = options.saturate](float v) {
            return FloatToSmallFloat(format, v, saturate);
          });
    case ConvertStep::kFToScale:
      return ConvertBlocks<float, uint8_t>(
          x, y, count, [saturate = options.saturate, rounding = options.rounding](float v) {
            return FloatToScale(v, saturate, rounding);
          });
    case ConvertStep::kScaleToF:
      return ConvertBlocks<uint8_t, float>(x, y, count, [](uint8_t v) { return ScaleToFloat(v); });
    case ConvertStep::kUnpack4:
      return UnpackRow<4>(bytes, to, count, options.is_signed);
    case ConvertStep::kUnpack2:
      return UnpackRow<2>(bytes, to, count, options.is_signed);
    case ConvertStep::kPack4:
      return PackRow<4>(bytes, to, count);
    case ConvertStep::kPack2:
      return PackRow<2>(bytes, to, count);
    default:
      return;  // see RunConvertStep
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

template <typename T>
void LookUp(const void* table, const void* x, void* y, size_t count) {
  const auto* const elements = static_cast<const T*>(table);
  const auto* const codes = static_cast<const uint8_t*>(x);
  auto* const to = static_cast<T*>(y);
  for (size_t i = 0; i < count; ++i) to[i] = elements[codes[i]];
}

}  // namespace

void RunConvertStep(ConvertStep step, const void* x, void* y, size_t count,
                    const ConvertStepOptions& options) {
  switch (step) {
    case ConvertStep::kFloat16ToF:
      return WidenToFloat(static_cast<const Float16*>(x), static_cast<float*>(y), count);
    case ConvertStep::kBfloat16ToF:
      return WidenToFloat(static_cast<const Bfloat16*>(x), static_cast<float*>(y), count);
    case ConvertStep::kFToFloat16:
      return NarrowFromFloat(static_cast<const float*>(x), static_cast<Float16*>(y), count);
    case ConvertStep::kFToBfloat16:
      return NarrowFromFloat(static_cast<const float*>(x), static_cast<Bfloat16*>(y), count);
    case ConvertStep::kLookUp8:
      return LookUpBytes(static_cast<const uint8_t*>(options.table), static_cast<const uint8_t*>(x),
                         static_cast<uint8_t*>(y), static_cast<int64_t>(count));
    case ConvertStep::kLookUp16:
      return LookUp<uint16_t>(options.table, x, y, count);
    case ConvertStep::kLookUp32:
      return LookUp<uint32_t>(options.table, x, y, count);
    case ConvertStep::kLookUp64:
      return LookUp<uint64_t>(options.table, x, y, count);
    default:
      MULLION_SIMD_CALL(RunStep)(step, x, y, count, options);
  }
}

}  // namespace mullion::cpu
#endif
