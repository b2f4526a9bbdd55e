// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_finish.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer/integer_finish.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/elementwise/quantize-inl.h"
#include "devices/cpu/kernels/simd/byte_quad-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

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
  int32_t* sums;
  int64_t sums_stride;
  int64_t rows;
  int64_t columns;
  int64_t out_stride;
};

// Apart from what follows, which seldom needs it: questions in those loops cost as much as half of
// their arithmetic.
void CorrectSums(const IntegerFinish& f, const Job& job) {
  const D32 d;
  for (int64_t c = 0; c < job.columns; c += kLanes) {
    V32 column_sums = hn::Zero(d);
    V32 right_zeros = hn::Zero(d);
    if (f.left_zeros != nullptr) column_sums = hn::LoadU(d, f.column_sums + c);
    if (f.row_sums != nullptr) right_zeros = hn::LoadU(d, f.right_zeros + c);
    for (int64_t r = 0; r < job.rows; ++r) {
      int32_t* const at = job.sums + r * job.sums_stride + c;
      const int32_t left_zero = f.left_zeros == nullptr ? 0 : f.left_zeros[r];
      const int32_t row_sum = f.row_sums == nullptr ? 0 : f.row_sums[r];
      const V32 left = hn::Mul(hn::Set(d, left_zero), column_sums);
      const V32 right = hn::Mul(hn::Set(d, row_sum), right_zeros);
      const V32 sum = hn::Sub(hn::LoadU(d, at), hn::Add(left, right));
      StoreFirst(sum, d, at, static_cast<size_t>(std::min(kLanes, job.columns - c)));
    }
  }
}

// Vector by vector down the rows, so that what hangs on the column stays in registers. `To` is
// made of a finish, told of a column, and called with sums.
template <class To>
void FinishAs(const IntegerFinish& f, const Job& job, void* out, To to) {
  using D = hn::Rebind<typename To::T, D32>;
  const int64_t rows = job.rows;
  const int64_t sums_stride = job.sums_stride;
  const int64_t out_stride = job.out_stride;
  for (int64_t c = 0; c < job.columns; c += kLanes) {
    const auto count = static_cast<size_t>(std::min(kLanes, job.columns - c));
    to.SetColumn(f, c, count);
    const int32_t* sums = job.sums + c;
    auto* results = static_cast<typename To::T*>(out) + c;
    if (count == kLanes) {
      for (int64_t r = 0; r < rows; ++r, sums += sums_stride, results += out_stride) {
        hn::StoreU(to(hn::LoadU(D32(), sums)), D(), results);
      }
    } else {
      for (int64_t r = 0; r < rows; ++r, sums += sums_stride, results += out_stride) {
        StoreFirst(to(hn::LoadU(D32(), sums)), D(), results, count);
      }
    }
    to.EndColumn();
  }
  to.Close(f);
}

// Bytes, four rows at a time, vector by vector down the rows, so that what hangs on the column
// stays in registers. `To` is made of a finish, told of a column, and called with sums and their
// rows.
template <class To>
void FinishQuadsAs(const IntegerFinish& f, const Job& job, void* out, int64_t first_column, To to) {
  for (int64_t c = first_column; c < job.columns; c += kLanes) {
    const int64_t count = job.columns - c;
    to.SetColumn(f, c, count);
    for (int64_t r = 0; r < job.rows; r += 4) {
      const byte_quad::Rows rows(job.rows - r);
      const auto sum = [&](int i) HWY_ATTR {
        return hn::LoadU(D32(), job.sums + (r + rows.at[i]) * job.sums_stride + c);
      };
      const V32 sums[4] = {sum(0), sum(1), sum(2), sum(3)};
      byte_quad::StoreRows(to(sums, r, rows), rows, count,
                           static_cast<uint8_t*>(out) + r * job.out_stride + c, job.out_stride);
    }
  }
  to.Close(f);
}

#if HWY_TARGET == HWY_AVX3

// The same along the rows, four vectors of columns at a time or two of two rows, each with a `to`
// of its own: one store, or two, instead of four. Returns how many columns are done. Apart from its
// callers, whose loops would lose registers to it.
template <class To>
HWY_NOINLINE int64_t FinishRowsAs(const IntegerFinish& f, const Job& job, uint8_t* out) {
  To parts[4] = {To(f), To(f), To(f), To(f)};
  int64_t c = 0;
  while (job.columns - c >= 2 * kLanes) {
    const bool pairs = job.columns - c < 4 * kLanes;
    const int64_t height = pairs ? 2 : 1;
    const int32_t* from[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int64_t column = c + (pairs ? i % 2 : i) * kLanes;
      parts[i].SetColumn(f, column, kLanes);
      from[i] = job.sums + column + (pairs ? i / 2 * job.sums_stride : 0);
    }
    const int64_t rows = job.rows;
    const int64_t step = height * job.sums_stride;
    const int64_t stride = job.out_stride;
    uint8_t* at = out + c;
    for (int64_t r = 0; r < rows; r += height, at += height * stride) {
      const int64_t next = pairs && r + 1 < rows ? 1 : 0;
      if (height > rows - r) {
        from[2] = from[0];
        from[3] = from[1];
      }
      VF v[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        v[i] = parts[i].Value(hn::LoadU(D32(), from[i]), i < 2 ? r : r + next);
        from[i] += step;
      }
      const byte_quad::Quad quad = parts[0].Pack(v[0], v[1], v[2], v[3]);
      if (!pairs) {
        quad.Store(at);
      } else {
        quad.StoreLow(at);
        if (next == 1) quad.StoreHigh(at + stride);
      }
    }
    c += pairs ? 2 * kLanes : 4 * kLanes;
  }
  parts[0].Close(f);
  return c;
}

#endif

template <class To>
void FinishBytesAs(const IntegerFinish& f, const Job& job, void* out) {
  int64_t done = 0;
#if HWY_TARGET == HWY_AVX3
  if (job.columns >= 2 * kLanes) done = FinishRowsAs<To>(f, job, static_cast<uint8_t*>(out));
#endif
  if (done < job.columns) FinishQuadsAs(f, job, out, done, To(f));
}

struct ToInt32 {
  using T = int32_t;
  void SetColumn(const IntegerFinish& /*f*/, int64_t /*column*/, size_t /*count*/) {}
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
    return Pack(Value(sums[0], 0), Value(sums[1], 0), Value(sums[2], 0), Value(sums[3], 0));
  }
  HWY_INLINE VF Value(V32 sum, int64_t /*row*/) const {
    return hn::Mul(hn::ConvertTo(DF(), sum), scale_);
  }
  HWY_INLINE byte_quad::Quad Pack(VF a, VF b, VF c, VF d) const { return bytes_(a, b, c, d); }
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
    return Pack(value(0), value(1), value(2), value(3));
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
  HWY_INLINE byte_quad::Quad Pack(VF a, VF b, VF c, VF d) const { return bytes_(a, b, c, d); }
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

// sum * scale + bias. Not fused: the same bits on every instruction set.
class Scaled {
 public:
  Scaled() : scale_(hn::Zero(DF())), bias_(hn::Zero(DF())) {}
  void SetColumn(const IntegerFinish& f, int64_t column) {
    scale_ = hn::LoadU(DF(), f.scales + column);
    // A sum of no product is +0 where there is no bias: adding it could lose a sign.
    bias_ = f.biases == nullptr ? hn::Set(DF(), -0.0f) : hn::LoadU(DF(), f.biases + column);
  }
  HWY_INLINE VF operator()(V32 sum) const {
    return hn::Add(hn::Mul(hn::ConvertTo(DF(), sum), scale_), bias_);
  }

 private:
  VF scale_;
  VF bias_;
};

struct Unchanged {
  static constexpr bool kRises = true;
  HWY_INLINE VF operator()(VF v) const { return v; }
};

// The bounds that Relu and Clip clamp to.
struct Bounds {
  static constexpr bool kRises = true;
  explicit Bounds(const Activation& activation) {
    using Kind = Activation::Kind;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const bool clips = activation.kind == Kind::kClip;
    low = hn::Set(DF(), clips ? activation.alpha : 0.0f);
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
  static constexpr bool kRises = false;
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

// An activation that rises with its argument, the product with a scale of one sign, the sum with a
// bias and the rounding of both keep an order: then the range of a column is that of its least and
// greatest sum. Comparing those goes to other ports than the rest.
template <class Activate, bool kResidual>
class ToFloats {
 public:
  using T = float;
  ToFloats(const IntegerFinish& f, int64_t out_stride, const Activate& activate)
      : residual_(f.residual), residual_stride_(out_stride), activate_(activate) {}
  void SetColumn(const IntegerFinish& f, int64_t column, size_t count) {
    scaled_.SetColumn(f, column);
    if (kResidual) residual_ = f.residual + column;
    count_ = count;
    least_ = hn::Set(D32(), std::numeric_limits<int32_t>::max());
    most_ = hn::Set(D32(), std::numeric_limits<int32_t>::min());
  }
  HWY_INLINE VF operator()(V32 sum) {
    VF v = scaled_(sum);
    if (kResidual) {
      v = hn::Add(v, LoadFirst(DF(), residual_, count_));
      residual_ += residual_stride_;
    }
    v = activate_(v);
    if constexpr (kBySums) {
      least_ = hn::Min(least_, sum);
      most_ = hn::Max(most_, sum);
    } else {
      column_.Widen(v);
    }
    return v;
  }
  void EndColumn() {
    if constexpr (kBySums) {
      column_.Widen(activate_(scaled_(least_)));
      column_.Widen(activate_(scaled_(most_)));
    }
    // Columns beyond the last are zeros; what an activation makes of one is no result.
    range_.Widen(column_, hn::FirstN(DF(), count_));
    column_ = VectorRange<DF>();
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  static constexpr bool kBySums = Activate::kRises && !kResidual;

  Scaled scaled_;
  const float* residual_;
  int64_t residual_stride_;
  size_t count_ = 0;
  Activate activate_;
  V32 least_ = hn::Zero(D32());
  V32 most_ = hn::Zero(D32());
  VectorRange<DF> column_;
  VectorRange<DF> range_;
};

template <class Activate>
void FinishFloatsAs(const IntegerFinish& f, const Job& job, float* out, const Activate& activate) {
  if (f.residual == nullptr) {
    FinishAs(f, job, out, ToFloats<Activate, false>(f, job.out_stride, activate));
  } else {
    FinishAs(f, job, out, ToFloats<Activate, true>(f, job.out_stride, activate));
  }
}

void FinishFloats(const IntegerFinish& f, const Job& job, float* out) {
  using Kind = Activation::Kind;
  const Kind kind = f.activation.kind;
  if (kind == Kind::kNone) return FinishFloatsAs(f, job, out, Unchanged());
  if (kind == Kind::kRelu || kind == Kind::kClip) {
    return FinishFloatsAs(f, job, out, Bounds(f.activation));
  }
  if (kind == Kind::kSilu) {
    return FinishFloatsAs(f, job, out, QuickSilu(f.activation.alpha));
  }
  // The others, which are rare, in passes of their own.
  IntegerFinish linear = f;
  linear.range = nullptr;
  FinishFloatsAs(linear, job, out, Unchanged());
  for (int64_t r = 0; r < job.rows; ++r) {
    float* const row = out + r * job.out_stride;
    ActivateRow(f.activation, row, nullptr, row, static_cast<size_t>(job.columns));
    if (f.range != nullptr) WidenRange(row, job.columns, f.range);
  }
}

class ToQuantized {
 public:
  explicit ToQuantized(const IntegerFinish& f) : quantize_(f.step, f.zero_point, false) {}
  void SetColumn(const IntegerFinish& f, int64_t column, int64_t /*count*/) {
    scaled_.SetColumn(f, column);
  }
  HWY_INLINE byte_quad::Quad operator()(const V32 (&sums)[4], int64_t /*row*/,
                                        const byte_quad::Rows& /*rows*/) {
    return Pack(scaled_(sums[0]), scaled_(sums[1]), scaled_(sums[2]), scaled_(sums[3]));
  }
  HWY_INLINE VF Value(V32 sum, int64_t /*row*/) const { return scaled_(sum); }
  // Columns beyond the last are zeros, for which no range is wider.
  HWY_INLINE byte_quad::Quad Pack(VF a, VF b, VF c, VF d) {
    range_.WidenUp(a);
    range_.WidenUp(b);
    range_.WidenUp(c);
    range_.WidenUp(d);
    return quantize_(a, b, c, d);
  }
  void Close(const IntegerFinish& f) const {
    if (f.range != nullptr) range_.AddTo(f.range);
  }

 private:
  Scaled scaled_;
  ByteQuantizer quantize_;
  VectorRange<DF> range_;
};

}  // namespace

void FinishIntegersSimd(const IntegerFinish& finish, int32_t* sums, int64_t sums_stride,
                        int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  if (rows == 0 || columns == 0) return;
  const IntegerFinish f = finish;  // a copy is not among what stores to `out` may change
  const Job job{sums, sums_stride, rows, columns, out_stride};
  if (f.left_zeros != nullptr || f.row_sums != nullptr) CorrectSums(f, job);
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
      return FinishBytesAs<ToQuantized>(f, job, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FinishIntegers(const IntegerFinish& finish, int32_t* sums, int64_t sums_stride, int64_t rows,
                    int64_t columns, void* out, int64_t out_stride) {
  MULLION_SIMD_CALL(FinishIntegersSimd)(finish, sums, sums_stride, rows, columns, out, out_stride);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
