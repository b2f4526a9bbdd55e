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

// The sums of one call, and where their results go.
struct Job {
  const int32_t* sums;
  int64_t sums_stride;
  int64_t rows;
  int64_t columns;
  int64_t out_stride;
};

// The corrections of a vector of columns.
class Corrections {
 public:
  Corrections(const IntegerFinish& f, int64_t column)
      : left_zeros_(f.left_zeros),
        row_sums_(f.row_sums),
        column_sums_(hn::Zero(D32())),
        right_zeros_(hn::Zero(D32())) {
    if (left_zeros_ != nullptr) column_sums_ = hn::LoadU(D32(), f.column_sums + column);
    if (row_sums_ != nullptr) right_zeros_ = hn::LoadU(D32(), f.right_zeros + column);
  }
  HWY_INLINE V32 operator()(V32 sum, int64_t row) const {
    const D32 d;
    if (left_zeros_ != nullptr) {
      sum = hn::Sub(sum, hn::Mul(hn::Set(d, left_zeros_[row]), column_sums_));
    }
    if (row_sums_ != nullptr) {
      sum = hn::Sub(sum, hn::Mul(hn::Set(d, row_sums_[row]), right_zeros_));
    }
    return sum;
  }

 private:
  const int32_t* left_zeros_;
  const int32_t* row_sums_;
  V32 column_sums_;
  V32 right_zeros_;
};

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

// Vector by vector down the rows, so that what hangs on the column stays in registers. `To` is
// made of a finish, told of a column, and called with sums.
template <class To>
void FinishAs(const IntegerFinish& f, const Job& job, void* out, To to) {
  for (int64_t c = 0; c < job.columns; c += kLanes) {
    const Corrections correct(f, c);
    const int64_t count = job.columns - c;
    to.SetColumn(f, c, count);
    const int32_t* sums = job.sums + c;
    auto* results = static_cast<typename To::T*>(out) + c;
    for (int64_t r = 0; r < job.rows; ++r) {
      StorePart(to(correct(hn::LoadU(D32(), sums), r)), results, count);
      sums += job.sums_stride;
      results += job.out_stride;
    }
  }
  to.Close(f);
}

struct ToInt32 {
  using T = int32_t;
  void SetColumn(const IntegerFinish& /*f*/, int64_t /*column*/, int64_t /*count*/) {}
  HWY_INLINE V32 operator()(V32 sum) const { return sum; }
  void Close(const IntegerFinish& /*f*/) const {}
};

// Clamped before rounding, so that no sum is out of the range of the conversion.
template <typename Byte>
struct ToBytes {
  using T = uint8_t;
  explicit ToBytes(const IntegerFinish& f)
      : low(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::min()) - f.zero_point)),
        high(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::max()) - f.zero_point)),
        bias(hn::Set(DF(), kRoundingBias)),
        zero(hn::Set(D32(), static_cast<int32_t>(f.zero_point))) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t /*count*/) {
    scale = hn::LoadU(DF(), f.scales + column);
  }
  HWY_INLINE auto operator()(V32 sum) const {
    const DF d;
    const VF scaled = hn::Mul(hn::ConvertTo(d, sum), scale);
    const VF clamped = hn::Min(hn::Max(scaled, low), high);
    const V32 rounded = hn::BitCast(D32(), hn::Add(clamped, bias));
    return LowBytes(d, hn::BitCast(hn::RebindToUnsigned<DF>(), hn::Add(rounded, zero)));
  }
  void Close(const IntegerFinish& /*f*/) const {}
  VF scale = hn::Zero(DF());
  VF low;
  VF high;
  VF bias;
  V32 zero;
};

// ---- float results -----------------------------------------------------------------------------

// sum * scale + bias + residual. Not fused: the same bits on every instruction set.
class Scaled {
 public:
  explicit Scaled(const IntegerFinish& f, int64_t out_stride)
      : residual_stride_(f.residual == nullptr ? 0 : out_stride) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t count) {
    scale_ = hn::LoadU(DF(), f.scales + column);
    // A sum of no product is +0 where there is no bias: adding it could lose a sign.
    bias_ = f.biases == nullptr ? hn::Set(DF(), -0.0f) : hn::LoadU(DF(), f.biases + column);
    residual_ = f.residual == nullptr ? nullptr : f.residual + column;
    count_ = static_cast<size_t>(std::min(count, kLanes));
  }
  HWY_INLINE VF operator()(V32 sum) {
    const DF d;
    VF v = hn::Add(hn::Mul(hn::ConvertTo(d, sum), scale_), bias_);
    if (residual_ != nullptr) {
      v = hn::Add(v, LoadFirst(d, residual_, count_));
      residual_ += residual_stride_;
    }
    return v;
  }

 private:
  VF scale_ = hn::Zero(DF());
  VF bias_ = hn::Zero(DF());
  const float* residual_ = nullptr;
  int64_t residual_stride_;
  size_t count_ = 0;
};

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

// v / (1 + 2^t) with t = -alpha log2(e) v, within 1.2e-7 |v|: half of what vector_math's takes, and
// far less than the last place of what the sums are made of. 2^126 stands for all that is greater.
class QuickSilu {
 public:
  explicit QuickSilu(float alpha) : factor_(hn::Set(DF(), alpha * -1.44269504f)) {}
  HWY_INLINE VF operator()(VF v) const {
    const DF d;
    const D32 di;
    const VF t =
        AtMost(d, AtLeast(d, hn::Mul(v, factor_), hn::Set(d, -126.0f)), hn::Set(d, 126.0f));
    const VF shifted = hn::Add(t, hn::Set(d, kRoundingBias));
    const VF rest = hn::Sub(t, hn::Sub(shifted, hn::Set(d, kRoundingBias)));
    // 2^rest for |rest| <= 1/2: a minimax fit of the relative error, 7.5e-8.
    const VF p = vector_math::Polynomial(d, rest, 1.00000012f, 0.693146944f, 0.240221202f,
                                         0.0555071309f, 0.00967554096f, 0.00132764725f);
    // The whole part stands in the low bits of `shifted`, and the bias has none above the exponent.
    const V32 power = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
    const VF e = hn::BitCast(d, hn::Add(hn::BitCast(di, p), power));
    return hn::Div(v, hn::Add(hn::Set(d, 1.0f), e));
  }

 private:
  VF factor_;
};

template <class Activate>
class ToFloats {
 public:
  using T = float;
  ToFloats(const IntegerFinish& f, int64_t out_stride, const Activate& activate)
      : scaled_(f, out_stride), activate_(activate) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t count) {
    scaled_.SetColumn(f, column, count);
    // Columns beyond the last are zeros; what an activation makes of one is no result.
    real_ = hn::FirstN(DF(), static_cast<size_t>(std::min(count, kLanes)));
  }
  HWY_INLINE VF operator()(V32 sum) {
    const VF v = activate_(scaled_(sum));
    range_.Widen(hn::IfThenElseZero(real_, v));
    return v;
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  Scaled scaled_;
  Activate activate_;
  VectorRange<DF> range_;
  hn::Mask<DF> real_ = hn::FirstN(DF(), 0);
};

void FinishFloats(const IntegerFinish& f, const Job& job, float* out) {
  using Kind = Activation::Kind;
  const auto finish = [&](const IntegerFinish& how, const auto& activate) {
    FinishAs(how, job, out, ToFloats(how, job.out_stride, activate));
  };
  const Kind kind = f.activation.kind;
  if (kind == Kind::kNone || kind == Kind::kRelu || kind == Kind::kClip) {
    return finish(f, Bounds(f.activation));
  }
  if (kind == Kind::kSilu) return finish(f, QuickSilu(f.activation.alpha));
  // The others, which are rare, in passes of their own.
  IntegerFinish linear = f;
  linear.range = nullptr;
  finish(linear, Bounds(Activation()));
  for (int64_t r = 0; r < job.rows; ++r) {
    float* const row = out + r * job.out_stride;
    ActivateRow(f.activation, row, nullptr, row, static_cast<size_t>(job.columns));
    if (f.range != nullptr) WidenRange(row, job.columns, f.range);
  }
}

class ToQuantized {
 public:
  using T = uint8_t;
  explicit ToQuantized(const IntegerFinish& f)
      : scaled_(f, 0), bounds_(f.activation), quantize_(f.step, f.zero_point, false) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t count) {
    scaled_.SetColumn(f, column, count);
  }
  HWY_INLINE auto operator()(V32 sum) {
    // Columns beyond the last are zeros, clamped: no range of results is wider for them.
    const VF v = bounds_(scaled_(sum));
    range_.Widen(v);
    return quantize_(v);
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  Scaled scaled_;
  Bounds bounds_;
  ByteQuantizer<DF> quantize_;
  VectorRange<DF> range_;
};

}  // namespace

void FinishIntegersSimd(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride,
                        int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  const IntegerFinish f = finish;  // a copy is not among what stores to `out` may change
  const Job job{sums, sums_stride, rows, columns, out_stride};
  switch (f.output) {
    case IntegerOutput::kInt32:
      return FinishAs(f, job, out, ToInt32());
    case IntegerOutput::kUint8:
      return FinishAs(f, job, out, ToBytes<uint8_t>(f));
    case IntegerOutput::kInt8:
      return FinishAs(f, job, out, ToBytes<int8_t>(f));
    case IntegerOutput::kFloat:
      return FinishFloats(f, job, static_cast<float*>(out));
    case IntegerOutput::kQuantized:
      return FinishAs(f, job, out, ToQuantized(f));
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
