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

// Rounds to nearest even and clamps to bytes. Clamped before, so that nothing is out of the range
// of the conversion.
struct ByteRounding {
  ByteRounding(float zero_point, bool is_signed, bool rectified = false)
      : low(hn::Set(DF(), rectified ? 0.0f : (is_signed ? -128.0f : 0.0f) - zero_point)),
        high(hn::Set(DF(), (is_signed ? 127.0f : 255.0f) - zero_point)),
        bias(hn::Set(DF(), kRoundingBias)),
        zero(hn::Set(D32(), static_cast<int32_t>(zero_point))) {}
  // With the rounding bias on top.
  HWY_INLINE VF Biased(VF v) const { return hn::Add(hn::Min(hn::Max(v, low), high), bias); }
  HWY_INLINE VF Floats(VF v) const { return hn::Sub(Biased(v), bias); }
  HWY_INLINE auto Bytes(VF v) const {
    const V32 rounded = hn::Add(hn::BitCast(D32(), Biased(v)), zero);
    return LowBytes(DF(), hn::BitCast(hn::RebindToUnsigned<DF>(), rounded));
  }
  VF low;
  VF high;
  VF bias;
  V32 zero;
};

class ToBytes {
 public:
  using T = uint8_t;
  explicit ToBytes(const IntegerFinish& f)
      : rounding_(f.zero_point, f.output == IntegerOutput::kInt8) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t /*count*/) {
    scale_ = hn::LoadU(DF(), f.scales + column);
  }
  HWY_INLINE auto operator()(V32 sum) const {
    return rounding_.Bytes(hn::Mul(hn::ConvertTo(DF(), sum), scale_));
  }
  void Close(const IntegerFinish& /*f*/) const {}

 private:
  ByteRounding rounding_;
  VF scale_ = hn::Zero(DF());
};

// Products and sums are not fused: the same bits on every instruction set.
class ToRescaledBytes {
 public:
  using T = uint8_t;
  explicit ToRescaledBytes(const IntegerFinish& f)
      : first_(f.zero_point, f.output == IntegerOutput::kInt8),
        second_(f.rescale.zero_point, f.rescale.is_signed, f.rescale.rectified),
        flip_(hn::Set(D8(), static_cast<uint8_t>(f.rescale.residual_is_signed ? 0x80 : 0))) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t count) {
    const DF d;
    scale_ = hn::LoadU(d, f.scales + column);
    factor_ = hn::LoadU(d, f.rescale.factors + column);
    shift_ = hn::LoadU(d, f.rescale.shifts + column);
    residual_ = f.rescale.residual == nullptr ? nullptr : f.rescale.residual + column;
    if (residual_ == nullptr) return;
    residual_factor_ = hn::LoadU(d, f.rescale.residual_factors + column);
    residual_stride_ = f.rescale.residual_stride;
    count_ = static_cast<size_t>(std::min(count, kLanes));
  }
  HWY_INLINE auto operator()(V32 sum) {
    const DF d;
    const VF bytes = first_.Floats(hn::Mul(hn::ConvertTo(d, sum), scale_));
    VF v = hn::Add(hn::Mul(bytes, factor_), shift_);
    if (residual_ != nullptr) {
      const auto other = hn::Xor(LoadFirst(D8(), residual_, count_), flip_);
      const VF wide = hn::ConvertTo(d, hn::PromoteTo(D32(), other));
      v = hn::Add(v, hn::Mul(wide, residual_factor_));
      residual_ += residual_stride_;
    }
    return second_.Bytes(v);
  }
  void Close(const IntegerFinish& /*f*/) const {}

 private:
  using D8 = hn::Rebind<uint8_t, DF>;
  ByteRounding first_;
  ByteRounding second_;
  hn::Vec<D8> flip_;
  VF scale_ = hn::Zero(DF());
  VF factor_ = hn::Zero(DF());
  VF shift_ = hn::Zero(DF());
  VF residual_factor_ = hn::Zero(DF());
  const uint8_t* residual_ = nullptr;
  int64_t residual_stride_ = 0;
  size_t count_ = 0;
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
    case IntegerOutput::kInt8:
      if (f.rescale.factors != nullptr) return FinishAs(f, job, out, ToRescaledBytes(f));
      return FinishAs(f, job, out, ToBytes(f));
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
