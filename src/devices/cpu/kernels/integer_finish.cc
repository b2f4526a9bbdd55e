// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer_finish.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer_finish.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/byte_quad-inl.h"
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

// Vector by vector down the rows, so that what hangs on the column stays in registers. `To` is
// made of a finish, told of a column, and called with sums.
template <class To>
void FinishAs(const IntegerFinish& f, const Job& job, void* out, To to) {
  using D = hn::Rebind<typename To::T, D32>;
  for (int64_t c = 0; c < job.columns; c += kLanes) {
    const Corrections correct(f, c);
    const int64_t count = job.columns - c;
    to.SetColumn(f, c, count);
    const int32_t* sums = job.sums + c;
    auto* results = static_cast<typename To::T*>(out) + c;
    for (int64_t r = 0; r < job.rows; ++r) {
      const auto v = to(correct(hn::LoadU(D32(), sums), r));
      if (count >= kLanes) {
        hn::StoreU(v, D(), results);
      } else {
        StoreFirst(v, D(), results, static_cast<size_t>(count));
      }
      sums += job.sums_stride;
      results += job.out_stride;
    }
    to.EndColumn();
  }
  to.Close(f);
}

// The same for bytes, four rows at a time: `to` is called with sums and their rows.
template <class To>
void FinishQuadsAs(const IntegerFinish& f, const Job& job, void* out, To to,
                   int64_t first_column = 0) {
  for (int64_t c = first_column; c < job.columns; c += kLanes) {
    const Corrections correct(f, c);
    const int64_t count = job.columns - c;
    to.SetColumn(f, c, count);
    for (int64_t r = 0; r < job.rows; r += 4) {
      const byte_quad::Rows rows(job.rows - r);
      const auto sum = [&](int i) HWY_ATTR {
        const int64_t row = r + rows.at[i];
        return correct(hn::LoadU(D32(), job.sums + row * job.sums_stride + c), row);
      };
      const V32 sums[4] = {sum(0), sum(1), sum(2), sum(3)};
      byte_quad::StoreRows(to(sums, r, rows), rows, count,
                           static_cast<uint8_t*>(out) + r * job.out_stride + c, job.out_stride);
    }
  }
  to.Close(f);
}

#if HWY_TARGET == HWY_AVX3

// The same along the rows, four vectors of columns at a time, each with a `to` of its own: one
// store instead of four. Returns how many columns are done. Apart from its callers, whose loops
// would lose registers to it.
template <class To>
HWY_NOINLINE int64_t FinishRowsAs(const IntegerFinish& f, const Job& job, uint8_t* out) {
  int64_t c = 0;
  if (f.left_zeros != nullptr || f.row_sums != nullptr) return c;
  for (; c + 4 * kLanes <= job.columns; c += 4 * kLanes) {
    To parts[4] = {To(f), To(f), To(f), To(f)};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) parts[i].SetColumn(f, c + i * kLanes, kLanes);
    for (int64_t r = 0; r < job.rows; ++r) {
      const int32_t* const from = job.sums + r * job.sums_stride + c;
      VF v[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) v[i] = parts[i].Value(hn::LoadU(D32(), from + i * kLanes), r);
      parts[0].bytes()(v[0], v[1], v[2], v[3]).Store(out + r * job.out_stride + c);
    }
  }
  return c;
}

#endif

template <class To>
void FinishBytesAs(const IntegerFinish& f, const Job& job, void* out) {
  int64_t done = 0;
#if HWY_TARGET == HWY_AVX3
  done = FinishRowsAs<To>(f, job, static_cast<uint8_t*>(out));
#endif
  if (done < job.columns) FinishQuadsAs(f, job, out, To(f), done);
}

struct ToInt32 {
  using T = int32_t;
  void SetColumn(const IntegerFinish& /*f*/, int64_t /*column*/, int64_t /*count*/) {}
  HWY_INLINE V32 operator()(V32 sum) const { return sum; }
  void EndColumn() const {}
  void Close(const IntegerFinish& /*f*/) const {}
};

constexpr float LeastByte(bool is_signed) { return is_signed ? -128.0f : 0.0f; }
constexpr float MostByte(bool is_signed) { return is_signed ? 127.0f : 255.0f; }

// To bytes around a zero point, rounded to nearest even and clamped.
class Bytes {
 public:
  Bytes(float zero_point, bool is_signed, bool rectified = false)
      : round_(LeastByte(is_signed) - zero_point, MostByte(is_signed) - zero_point),
        narrow_(static_cast<int32_t>(zero_point), is_signed, rectified) {}
  HWY_INLINE byte_quad::Quad operator()(VF a, VF b, VF c, VF d) const {
    return narrow_(round_(a), round_(b), round_(c), round_(d));
  }

 private:
  byte_quad::Rounding round_;
  byte_quad::Narrowing narrow_;
};

class ToBytes {
 public:
  explicit ToBytes(const IntegerFinish& f)
      : bytes_(f.zero_point, f.output == IntegerOutput::kInt8) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t /*count*/) {
    scale_ = hn::LoadU(DF(), f.scales + column);
  }
  HWY_INLINE byte_quad::Quad operator()(const V32 (&sums)[4], int64_t /*row*/,
                                        const byte_quad::Rows& /*rows*/) const {
    return bytes_(Value(sums[0], 0), Value(sums[1], 0), Value(sums[2], 0), Value(sums[3], 0));
  }
  HWY_INLINE VF Value(V32 sum, int64_t /*row*/) const {
    return hn::Mul(hn::ConvertTo(DF(), sum), scale_);
  }
  const Bytes& bytes() const { return bytes_; }
  void Close(const IntegerFinish& /*f*/) const {}

 private:
  Bytes bytes_;
  VF scale_ = hn::Zero(DF());
};

// Products and sums are not fused: the same bits on every instruction set.
class ToRescaledBytes {
 public:
  explicit ToRescaledBytes(const IntegerFinish& f)
      : low_(hn::Set(DF(), LeastByte(f.output == IntegerOutput::kInt8) - f.zero_point)),
        high_(hn::Set(DF(), MostByte(f.output == IntegerOutput::kInt8) - f.zero_point)),
        bytes_(f.rescale.zero_point, f.rescale.is_signed, f.rescale.rectified),
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
    count_ = std::min(count, kLanes);
  }
  HWY_INLINE byte_quad::Quad operator()(const V32 (&sums)[4], int64_t row,
                                        const byte_quad::Rows& rows) const {
    const auto value = [&](int i) HWY_ATTR { return Value(sums[i], row + rows.at[i]); };
    return bytes_(value(0), value(1), value(2), value(3));
  }
  HWY_INLINE VF Value(V32 sum, int64_t row) const {
    VF v = hn::Mul(hn::ConvertTo(DF(), sum), scale_);
    v = hn::Round(hn::Min(hn::Max(v, low_), high_));
    v = hn::Add(hn::Mul(v, factor_), shift_);
    if (residual_ == nullptr) return v;
    const uint8_t* const from = residual_ + row * residual_stride_;
    // Masks take more time than the question.
    const auto other = count_ == kLanes ? hn::LoadU(D8(), from)
                                        : LoadFirst(D8(), from, static_cast<size_t>(count_));
    const VF wide = hn::ConvertTo(DF(), hn::PromoteTo(D32(), hn::Xor(other, flip_)));
    return hn::Add(v, hn::Mul(wide, residual_factor_));
  }
  const Bytes& bytes() const { return bytes_; }
  void Close(const IntegerFinish& /*f*/) const {}

 private:
  using D8 = hn::Rebind<uint8_t, DF>;

  VF low_;
  VF high_;
  Bytes bytes_;
  hn::Vec<D8> flip_;
  VF scale_ = hn::Zero(DF());
  VF factor_ = hn::Zero(DF());
  VF shift_ = hn::Zero(DF());
  VF residual_factor_ = hn::Zero(DF());
  const uint8_t* residual_ = nullptr;
  int64_t residual_stride_ = 0;
  int64_t count_ = 0;
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
    column_.Widen(v);
    return v;
  }
  void EndColumn() {
    range_.Widen(column_, real_);
    column_ = VectorRange<DF>();
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  Scaled scaled_;
  Activate activate_;
  VectorRange<DF> column_;
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
  explicit ToQuantized(const IntegerFinish& f)
      : scaled_(f, 0), bounds_(f.activation), quantize_(f.step, f.zero_point, false) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t count) {
    scaled_.SetColumn(f, column, count);
  }
  HWY_INLINE byte_quad::Quad operator()(const V32 (&sums)[4], int64_t /*row*/,
                                        const byte_quad::Rows& /*rows*/) {
    VF v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      // Columns beyond the last are zeros, clamped: no range of results is wider for them.
      v[i] = bounds_(scaled_(sums[i]));
      range_.Widen(v[i]);
    }
    return quantize_(v[0], v[1], v[2], v[3]);
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  Scaled scaled_;
  Bounds bounds_;
  ByteQuantizer quantize_;
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
      if (f.rescale.factors != nullptr) return FinishBytesAs<ToRescaledBytes>(f, job, out);
      return FinishBytesAs<ToBytes>(f, job, out);
    case IntegerOutput::kFloat:
      return FinishFloats(f, job, static_cast<float*>(out));
    case IntegerOutput::kQuantized:
      return FinishQuadsAs(f, job, out, ToQuantized(f));
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
