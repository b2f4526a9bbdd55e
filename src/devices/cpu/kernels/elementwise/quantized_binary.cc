// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/quantized_binary.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/quantized_binary.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<uint32_t, 16>;
using DI = hn::RebindToSigned<D32>;
using DF = hn::RebindToFloat<D32>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;
constexpr int64_t kStep = 4 * static_cast<int64_t>(hn::MaxLanes(D32()));  // bytes of a vector
constexpr uint32_t kSignBits = 0x80808080;

HWY_INLINE V32 LoadBytes(const uint8_t* from) {
#if HWY_TARGET == HWY_SCALAR
  uint32_t four;
  std::memcpy(&four, from, 4);
  return hn::Set(D32(), four);
#else
  return hn::BitCast(D32(), hn::LoadU(hn::Repartition<uint8_t, D32>(), from));
#endif
}

HWY_INLINE void StoreBytes(V32 bytes, uint8_t* to) {
#if HWY_TARGET == HWY_SCALAR
  const uint32_t four = hn::GetLane(bytes);
  std::memcpy(to, &four, 4);
#else
  const hn::Repartition<uint8_t, D32> d8;
  hn::StoreU(hn::BitCast(d8, bytes), d8, to);
#endif
}

// Bytes are widened in place: each lane of 32 bits holds four, and byte k of all lanes makes the
// k-th of four vectors of floats. So nothing moves between lanes, neither here nor in Packed.
struct Quad {
  VF f[4];
};

template <bool kSigned>
HWY_INLINE Quad Widened(V32 bytes) {
  const DF df;
  const DI di;
  if constexpr (kSigned) {
    const auto top = hn::BitCast(di, bytes);
    return {{hn::ConvertTo(df, hn::ShiftRight<24>(hn::ShiftLeft<24>(top))),
             hn::ConvertTo(df, hn::ShiftRight<24>(hn::ShiftLeft<16>(top))),
             hn::ConvertTo(df, hn::ShiftRight<24>(hn::ShiftLeft<8>(top))),
             hn::ConvertTo(df, hn::ShiftRight<24>(top))}};
  } else {
    const V32 low = hn::Set(D32(), 255);
    const auto widened = [&](V32 x) HWY_ATTR { return hn::ConvertTo(df, hn::BitCast(di, x)); };
    return {{widened(hn::And(bytes, low)), widened(hn::And(hn::ShiftRight<8>(bytes), low)),
             widened(hn::And(hn::ShiftRight<16>(bytes), low)), widened(hn::ShiftRight<24>(bytes))}};
  }
}

// Adding 2^23 leaves the number rounded to nearest even in the low bits: 2^23 is even, and floats
// from there to 2^24 are whole. Signed results are moved up by 128 with it, and back by their sign
// bits. The bits of 2^23 itself, 0x4b000000, add up to the same once the higher bytes are shifted
// out, and are taken off at the end.
template <bool kSigned>
HWY_INLINE V32 Packed(const Quad& q) {
  const D32 d;
  const DF df;
  const VF least = hn::Set(df, kSigned ? -128.0f : 0.0f);
  const VF most = hn::Set(df, kSigned ? 127.0f : 255.0f);
  const VF shift = hn::Set(df, kSigned ? 8388608.0f + 128.0f : 8388608.0f);
  const auto rounded = [&](VF v) HWY_ATTR {
    return hn::BitCast(d, hn::Add(hn::Min(hn::Max(v, least), most), shift));
  };
  const V32 low = hn::Add(rounded(q.f[0]), hn::ShiftLeft<8>(rounded(q.f[1])));
  const V32 high = hn::Add(hn::ShiftLeft<16>(rounded(q.f[2])), hn::ShiftLeft<24>(rounded(q.f[3])));
  const V32 bytes = hn::Sub(hn::Add(low, high), hn::Set(d, 0x4b000000u));
  return kSigned ? hn::Xor(bytes, hn::Set(d, kSignBits)) : bytes;
}

// A byte for all elements, or each its own.
template <bool kSigned>
struct One {
  explicit One(const AnyOperand& operand)
      : value(hn::Set(DF(), kSigned ? *static_cast<const int8_t*>(operand.data)
                                    : *static_cast<const uint8_t*>(operand.data))) {}
  HWY_INLINE Quad At(int64_t /*i*/) const { return {{value, value, value, value}}; }
  HWY_INLINE Quad Last(int64_t /*i*/, size_t /*count*/) const { return At(0); }
  VF value;
};
template <bool kSigned>
struct Each {
  explicit Each(const AnyOperand& operand) : data(static_cast<const uint8_t*>(operand.data)) {}
  HWY_INLINE Quad At(int64_t i) const { return Widened<kSigned>(LoadBytes(data + i)); }
  HWY_INLINE Quad Last(int64_t i, size_t count) const {
    HWY_ALIGN uint32_t lanes[kStep / 4] = {};
    std::memcpy(lanes, data + i, count);
    return Widened<kSigned>(hn::Load(D32(), lanes));
  }
  const uint8_t* data;
};

struct Sum {
  explicit Sum(const QuantizedSum& sum)
      : a_ratio(hn::Set(DF(), sum.a_ratio)),
        b_ratio(hn::Set(DF(), sum.b_ratio)),
        fixed(hn::Set(DF(), sum.fixed)) {}
  HWY_INLINE VF operator()(VF a, VF b) const {
    return hn::MulAdd(a, a_ratio, hn::MulAdd(b, b_ratio, fixed));
  }
  VF a_ratio;
  VF b_ratio;
  VF fixed;
};

struct Product {
  explicit Product(const QuantizedProduct& p)
      : a_zero(hn::Set(DF(), p.a_zero)),
        b_zero(hn::Set(DF(), p.b_zero)),
        ratio(hn::Set(DF(), p.ratio)),
        y_zero(hn::Set(DF(), p.y_zero)) {}
  HWY_INLINE VF operator()(VF a, VF b) const {
    const VF product = hn::Mul(hn::Sub(a, a_zero), hn::Sub(b, b_zero));
    return hn::Add(hn::Mul(product, ratio), y_zero);
  }
  VF a_zero;
  VF b_zero;
  VF ratio;
  VF y_zero;
};

template <class Op>
HWY_INLINE Quad Apply(const Op& op, const Quad& a, const Quad& b) {
  return {{op(a.f[0], b.f[0]), op(a.f[1], b.f[1]), op(a.f[2], b.f[2]), op(a.f[3], b.f[3])}};
}

template <bool kSigned, class Op, class A, class B>
void Loop(const Op op, const A a, const B b, uint8_t* y, int64_t count) {
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    StoreBytes(Packed<kSigned>(Apply(op, a.At(i), b.At(i))), y + i);
  }
  const auto rest = static_cast<size_t>(count - i);
  if (rest == 0) return;
  HWY_ALIGN uint32_t lanes[kStep / 4];
  hn::Store(Packed<kSigned>(Apply(op, a.Last(i, rest), b.Last(i, rest))), D32(), lanes);
  std::memcpy(y + i, lanes, rest);
}

template <bool kSigned, class Op>
void Run(const Op& op, const AnyOperand& a, const AnyOperand& b, void* y, int64_t count) {
  auto* const out = static_cast<uint8_t*>(y);
  using OneByte = One<kSigned>;
  using EachByte = Each<kSigned>;
  if (a.step == 0) {
    Loop<kSigned>(op, OneByte(a), EachByte(b), out, count);
  } else if (b.step == 0) {
    Loop<kSigned>(op, EachByte(a), OneByte(b), out, count);
  } else {
    Loop<kSigned>(op, EachByte(a), EachByte(b), out, count);
  }
}

}  // namespace

void AddBytesSimd(const QuantizedSum& sum, bool is_signed, const AnyOperand& a, const AnyOperand& b,
                  void* y, int64_t count) {
  is_signed ? Run<true>(Sum(sum), a, b, y, count) : Run<false>(Sum(sum), a, b, y, count);
}

void MultiplyBytesSimd(const QuantizedProduct& product, bool is_signed, const AnyOperand& a,
                       const AnyOperand& b, void* y, int64_t count) {
  is_signed ? Run<true>(Product(product), a, b, y, count)
            : Run<false>(Product(product), a, b, y, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

QuantizedSum MakeQuantizedSum(const ByteScale& a, const ByteScale& b, const ByteScale& y) {
  const float a_ratio = a.scale / y.scale;
  const float b_ratio = b.scale / y.scale;
  // Rounded in the order in which ONNX Runtime rounds, so that what is nearly a tie falls alike.
  const float b_part = b_ratio * static_cast<float>(b.zero_point);
  const float zeros = std::fma(a_ratio, static_cast<float>(a.zero_point), b_part);
  return {a_ratio, b_ratio, static_cast<float>(y.zero_point) - zeros};
}

QuantizedProduct MakeQuantizedProduct(const ByteScale& a, const ByteScale& b, const ByteScale& y) {
  return {static_cast<float>(a.zero_point), static_cast<float>(b.zero_point),
          a.scale * b.scale / y.scale, static_cast<float>(y.zero_point)};
}

void AddBytes(const QuantizedSum& sum, bool is_signed, const AnyOperand& a, const AnyOperand& b,
              void* y, int64_t count) {
  MULLION_SIMD_CALL(AddBytesSimd)(sum, is_signed, a, b, y, count);
}

void MultiplyBytes(const QuantizedProduct& product, bool is_signed, const AnyOperand& a,
                   const AnyOperand& b, void* y, int64_t count) {
  MULLION_SIMD_CALL(MultiplyBytesSimd)(product, is_signed, a, b, y, count);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
