// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/strassen_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/strassen_sums.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr int64_t kMaxColumns = 64;  // of a block, on any instruction set

void SumRows(const float* upper, const float* lower, int64_t half, float* sums, int64_t step) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto store = [&](int64_t k, V a11, V a12, V a21, V a22) {
    float* const out = sums + k;
    hn::StoreU(hn::Add(a11, a22), d, out);
    hn::StoreU(hn::Add(a21, a22), d, out + step);
    hn::StoreU(a11, d, out + 2 * step);
    hn::StoreU(a22, d, out + 3 * step);
    hn::StoreU(hn::Add(a11, a12), d, out + 4 * step);
    hn::StoreU(hn::Sub(a21, a11), d, out + 5 * step);
    hn::StoreU(hn::Sub(a12, a22), d, out + 6 * step);
  };
  int64_t k = 0;
  for (; k + lanes <= half; k += lanes) {
    store(k, hn::LoadU(d, upper + k), hn::LoadU(d, upper + half + k), hn::LoadU(d, lower + k),
          hn::LoadU(d, lower + half + k));
  }
  if (k == half) return;
  const auto rest = static_cast<size_t>(half - k);
  store(k, LoadFirst(d, upper + k, rest), LoadFirst(d, upper + half + k, rest),
        LoadFirst(d, lower + k, rest), LoadFirst(d, lower + half + k, rest));
}

void Add(const float* a, const float* b, int64_t count, float* sums) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, sums + i);
  }
  for (; i < count; ++i) sums[i] = a[i] + b[i];
}

using Quarters = float[4][kMaxColumns];

// What a comparison at most finishes goes straight to memory, anything else by way of a buffer.
enum class Finish { kStore, kAtLeast, kBuffer };

template <Finish kFinish>
HWY_INLINE void StoreQuarter(V sum, float* out, const float* residual, float* buffer, int64_t i) {
  const D d;
  if constexpr (kFinish == Finish::kBuffer) {
    hn::Store(sum, d, buffer + i);
  } else if (out != nullptr) {
    if (residual != nullptr) sum = hn::Add(sum, hn::LoadU(d, residual + i));
    if constexpr (kFinish == Finish::kAtLeast) sum = AtLeast(d, sum, hn::Zero(d));
    hn::StoreU(sum, d, out + i);
  }
}

template <Finish kFinish>
HWY_INLINE void SumQuarters(const StrassenOutput& o, V left, V right, int64_t i,
                            Quarters& quarters) {
  const D d;
  const auto product = [&](int n) { return hn::LoadU(d, o.products + (n - 1) * o.step + i); };
  const auto at = [&](auto* row) { return row == nullptr ? row : row + o.half; };
  const V m1 = product(1);
  const V m2 = product(2);
  const V m3 = product(3);
  const V m4 = product(4);
  const V m5 = product(5);
  StoreQuarter<kFinish>(hn::Add(hn::Add(hn::Sub(m4, m5), hn::Add(m1, product(7))), left), o.upper,
                        o.upper_residual, quarters[0], i);
  StoreQuarter<kFinish>(hn::Add(hn::Add(m3, m5), right), o.upper + o.half, at(o.upper_residual),
                        quarters[1], i);
  StoreQuarter<kFinish>(hn::Add(hn::Add(m2, m4), left), o.lower, o.lower_residual, quarters[2], i);
  StoreQuarter<kFinish>(hn::Add(hn::Add(hn::Sub(m3, m2), hn::Add(m1, product(6))), right),
                        at(o.lower), at(o.lower_residual), quarters[3], i);
}

template <Finish kFinish>
void SumColumns(const StrassenOutput& o, int64_t begin, int64_t end, Quarters& quarters) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = begin; i < end; i += lanes) {
    V left = hn::Zero(d);
    V right = left;
    if (o.bias != nullptr) {
      const auto count = static_cast<size_t>(std::min(lanes, o.columns - i));
      left = LoadFirst(d, o.bias + i, count);
      right = LoadFirst(d, o.bias + o.half + i, count);
    }
    SumQuarters<kFinish>(o, left, right, i, quarters);
  }
}

void FinishRows(const StrassenOutput& o) {
  using Kind = Activation::Kind;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN Quarters quarters;
  int64_t begin = o.columns / lanes * lanes;
  if (o.activation->kind == Kind::kNone) {
    SumColumns<Finish::kStore>(o, 0, begin, quarters);
  } else if (o.activation->kind == Kind::kRelu) {
    SumColumns<Finish::kAtLeast>(o, 0, begin, quarters);
  } else {
    begin = 0;
  }
  if (begin == o.columns) return;
  SumColumns<Finish::kBuffer>(o, begin, o.columns, quarters);
  const auto finish = [&](const float* row, float* out, const float* residual, int64_t column) {
    ActivateRow(*o.activation, row + begin,
                residual == nullptr ? nullptr : residual + column + begin, out + column + begin,
                static_cast<size_t>(o.columns - begin));
  };
  finish(quarters[0], o.upper, o.upper_residual, 0);
  finish(quarters[1], o.upper, o.upper_residual, o.half);
  if (o.lower == nullptr) return;
  finish(quarters[2], o.lower, o.lower_residual, 0);
  finish(quarters[3], o.lower, o.lower_residual, o.half);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void SumStrassenRows(const float* upper, const float* lower, int64_t half, float* sums,
                     int64_t step) {
  MULLION_SIMD_CALL(SumRows)(upper, lower, half, sums, step);
}

void AddHalves(const float* a, const float* b, int64_t count, float* sums) {
  MULLION_SIMD_CALL(Add)(a, b, count, sums);
}

void FinishStrassenRows(const StrassenOutput& output) { MULLION_SIMD_CALL(FinishRows)(output); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
