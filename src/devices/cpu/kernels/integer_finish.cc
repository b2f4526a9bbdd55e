// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer_finish.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer_finish.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/partial_vector-inl.h"
#include "devices/cpu/kernels/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<int32_t, 16>;
using DF = hn::RebindToFloat<D32>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D32()));

HWY_INLINE V32 Corrected(const IntegerFinish& f, V32 sum, int64_t row, int64_t column) {
  const D32 d;
  if (f.left_zeros != nullptr) {
    const V32 sums = hn::LoadU(d, f.column_sums + column);
    sum = hn::Sub(sum, hn::Mul(hn::Set(d, f.left_zeros[row]), sums));
  }
  if (f.row_sums != nullptr) {
    const V32 zeros = hn::LoadU(d, f.right_zeros + column);
    sum = hn::Sub(sum, hn::Mul(hn::Set(d, f.row_sums[row]), zeros));
  }
  return sum;
}

// No call of memcpy: around it the compiler would keep nothing in vector registers.
template <typename T, class V>
HWY_INLINE void StorePart(V v, T* out, int64_t count) {
  using D = hn::DFromV<V>;
  if (count >= kLanes) {
    hn::StoreU(v, D(), out);
  } else {
    StoreFirst(v, D(), out, static_cast<size_t>(count));
  }
}

struct ToInt32 {
  using T = int32_t;
  explicit ToInt32(const IntegerFinish& /*finish*/) {}
  HWY_INLINE V32 operator()(V32 sum, int64_t /*column*/) const { return sum; }
};

// Clamped before rounding, so that no sum is out of the range of the conversion.
template <typename Byte>
struct ToBytes {
  using T = uint8_t;
  explicit ToBytes(const IntegerFinish& f)
      : scales(f.scales),
        low(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::min()) - f.zero_point)),
        high(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::max()) - f.zero_point)),
        bias(hn::Set(DF(), kRoundingBias)),
        zero(hn::Set(D32(), static_cast<int32_t>(f.zero_point))) {}
  HWY_INLINE auto operator()(V32 sum, int64_t column) const {
    const DF d;
    const VF scaled = hn::Mul(hn::ConvertTo(d, sum), hn::LoadU(d, scales + column));
    const VF clamped = hn::Min(hn::Max(scaled, low), high);
    const V32 rounded = hn::BitCast(D32(), hn::Add(clamped, bias));
    return LowBytes(d, hn::BitCast(hn::RebindToUnsigned<DF>(), hn::Add(rounded, zero)));
  }
  const float* scales;
  VF low;
  VF high;
  VF bias;
  V32 zero;
};

template <class To>
void FinishAs(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride, int64_t rows,
              int64_t columns, void* out, int64_t out_stride) {
  const IntegerFinish f = finish;  // a copy is not among what stores to `out` may change
  const To to(f);
  auto* const first = static_cast<typename To::T*>(out);
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* const row = sums + r * sums_stride;
    auto* const out_row = first + r * out_stride;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const V32 sum = Corrected(f, hn::LoadU(D32(), row + c), r, c);
      StorePart(to(sum, c), out_row + c, columns - c);
    }
  }
}

// ---- float results -----------------------------------------------------------------------------

HWY_INLINE VF Scaled(const IntegerFinish& f, V32 sum, int64_t column) {
  const DF d;
  // Not fused: the same bits on every instruction set.
  const VF scaled = hn::Mul(hn::ConvertTo(d, sum), hn::LoadU(d, f.scales + column));
  return f.biases == nullptr ? scaled : hn::Add(scaled, hn::LoadU(d, f.biases + column));
}

// The bounds that None, Relu and Clip clamp to.
struct Bounds {
  explicit Bounds(const Activation& activation) {
    using Kind = Activation::Kind;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const bool clips = activation.kind == Kind::kClip;
    low = hn::Set(DF(), clips                            ? activation.alpha
                        : activation.kind == Kind::kRelu ? 0.0f
                                                         : -kInfinity);
    high = hn::Set(DF(), clips ? activation.beta : kInfinity);
  }
  HWY_INLINE VF operator()(VF v) const { return AtMost(DF(), AtLeast(DF(), v, low), high); }
  VF low;
  VF high;
};

// `activate` works on vectors.
template <class Activate>
void FinishFloatsAs(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride,
                    int64_t rows, int64_t columns, float* out, int64_t out_stride,
                    const Activate activate) {
  const DF d;
  const IntegerFinish f = finish;
  VectorRange<DF> range;
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* const row = sums + r * sums_stride;
    float* const out_row = out + r * out_stride;
    const float* const residual = f.residual == nullptr ? nullptr : f.residual + r * out_stride;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const auto count = static_cast<size_t>(std::min(columns - c, kLanes));
      VF v = Scaled(f, Corrected(f, hn::LoadU(D32(), row + c), r, c), c);
      if (residual != nullptr) v = hn::Add(v, LoadFirst(d, residual + c, count));
      v = activate(v);
      // Columns beyond the last are zeros; what an activation makes of one is no result.
      if (columns - c < kLanes) v = hn::IfThenElseZero(hn::FirstN(d, count), v);
      range.Widen(v);
      StorePart(v, out_row + c, columns - c);
    }
  }
  if (f.range != nullptr) range.AddTo(f.range);
}

void FinishFloats(const IntegerFinish& f, const int32_t* sums, int64_t sums_stride, int64_t rows,
                  int64_t columns, float* out, int64_t out_stride) {
  using Kind = Activation::Kind;
  const auto finish = [&](const IntegerFinish& how, const auto& activate) {
    FinishFloatsAs(how, sums, sums_stride, rows, columns, out, out_stride, activate);
  };
  const Kind kind = f.activation.kind;
  if (kind == Kind::kNone || kind == Kind::kRelu || kind == Kind::kClip) {
    return finish(f, Bounds(f.activation));
  }
  if (kind == Kind::kSilu) {
    // Where e^(-alpha v) is infinite, the quotient is the limit.
    const VF negative = hn::Set(DF(), -f.activation.alpha);
    const VF one = hn::Set(DF(), 1.0f);
    return finish(f,
                  [=](VF v) { return hn::Div(v, hn::Add(one, Exp(DF(), hn::Mul(negative, v)))); });
  }
  // The others, which are rare, in passes of their own.
  IntegerFinish linear = f;
  linear.range = nullptr;
  finish(linear, Bounds(Activation()));
  for (int64_t r = 0; r < rows; ++r) {
    float* const row = out + r * out_stride;
    ActivateRow(f.activation, row, nullptr, row, static_cast<size_t>(columns));
    if (f.range != nullptr) WidenRange(row, columns, f.range);
  }
}

void FinishQuantized(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride,
                     int64_t rows, int64_t columns, uint8_t* out, int64_t out_stride) {
  const IntegerFinish f = finish;
  const Bounds bounds(f.activation);
  const ByteQuantizer<DF> quantizer(f.step, f.zero_point, /*is_signed=*/false);
  VectorRange<DF> range;
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* const row = sums + r * sums_stride;
    for (int64_t c = 0; c < columns; c += kLanes) {
      // Columns beyond the last are zeros, clamped: no range of results is wider for them.
      const VF v = bounds(Scaled(f, Corrected(f, hn::LoadU(D32(), row + c), r, c), c));
      range.Widen(v);
      StorePart(quantizer(v), out + r * out_stride + c, columns - c);
    }
  }
  if (f.range != nullptr) range.AddTo(f.range);
}

}  // namespace

void FinishIntegersSimd(const IntegerFinish& f, const int32_t* sums, int64_t sums_stride,
                        int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  switch (f.output) {
    case IntegerOutput::kInt32:
      return FinishAs<ToInt32>(f, sums, sums_stride, rows, columns, out, out_stride);
    case IntegerOutput::kUint8:
      return FinishAs<ToBytes<uint8_t>>(f, sums, sums_stride, rows, columns, out, out_stride);
    case IntegerOutput::kInt8:
      return FinishAs<ToBytes<int8_t>>(f, sums, sums_stride, rows, columns, out, out_stride);
    case IntegerOutput::kFloat:
      return FinishFloats(f, sums, sums_stride, rows, columns, static_cast<float*>(out),
                          out_stride);
    case IntegerOutput::kQuantized:
      return FinishQuantized(f, sums, sums_stride, rows, columns, static_cast<uint8_t*>(out),
                             out_stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FinishIntegers(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride,
                    int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  MULLION_SIMD_CALL(FinishIntegersSimd)(finish, sums, sums_stride, rows, columns, out, out_stride);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
