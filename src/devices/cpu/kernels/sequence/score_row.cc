// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/sequence/score_row.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/sequence/score_row.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
using Scores = AttentionProblem::Scores;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
// Rows that take each step together, so that what one waits for at its end, a maximum, a sum and a
// division, passes while others work.
constexpr int64_t kRowsAtOnce = 4;

HWY_INLINE V LoadSome(const float* from, int64_t count) {
  return count >= kLanes ? hn::LoadU(D(), from) : LoadFirst(D(), from, static_cast<size_t>(count));
}

// `fill` where the mask says no.
HWY_INLINE V Masked(V x, V fill, const bool* mask, int64_t count) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint8_t, D> d8;
  HWY_ALIGN uint8_t bytes[kLanes] = {};
  std::memcpy(bytes, mask, static_cast<size_t>(std::min(count, kLanes)));
  const auto keep = hn::Ne(hn::PromoteTo(du, hn::Load(d8, bytes)), hn::Zero(du));
  return hn::IfThenElse(hn::RebindMask(d, keep), x, fill);
}

// What most rows ask for: the scores of row r before softmax, with nothing in between that somebody
// wants; returns the greatest of each lane. Fields are read once: stores could have changed them
// for all the compiler knows.
V PrepareVisible(const ScoreRows& rows, int64_t r) {
  const D d;
  const V scale = hn::Set(d, rows.scale);
  const V fill = hn::Set(d, rows.fill);
  const V minus_infinity = hn::Set(d, kMinusInfinity);
  float* const x = rows.x + r * rows.stride;
  const bool* const mask = rows.mask == nullptr ? nullptr : rows.mask + r * rows.mask_step;
  const float* const bias = rows.bias == nullptr ? nullptr : rows.bias + r * rows.bias_step;
  const int64_t keys = rows.keys;
  const int64_t visible = std::min(keys, rows.visible[r]);
  V most = minus_infinity;
  int64_t i = 0;
  for (; i + kLanes <= visible; i += kLanes) {
    V score = hn::Mul(hn::LoadU(d, x + i), scale);
    if (mask != nullptr) score = Masked(score, fill, mask + i, kLanes);
    if (bias != nullptr) score = hn::Add(score, hn::LoadU(d, bias + i));
    hn::StoreU(score, d, x + i);
    most = hn::Max(most, score);
  }
  if (const int64_t count = visible - i; count > 0) {
    V score = hn::Mul(hn::LoadU(d, x + i), scale);
    if (mask != nullptr) score = Masked(score, fill, mask + i, count);
    if (bias != nullptr) score = hn::Add(score, LoadSome(bias + i, count));
    score = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(count)), score, minus_infinity);
    hn::StoreU(score, d, x + i);
    most = hn::Max(most, score);
    i += kLanes;
  }
  for (; i < keys; i += kLanes) hn::StoreU(minus_infinity, d, x + i);
  return most;
}

// The same where some scores are wanted, capped, or hidden at the beginning.
V PrepareAny(const ScoreRows& rows, int64_t r) {
  const D d;
  const V scale = hn::Set(d, rows.scale);
  const V cap = hn::Set(d, rows.softcap);
  const V fill = hn::Set(d, rows.fill);
  const V minus_infinity = hn::Set(d, kMinusInfinity);
  const int64_t end = rows.visible[r];
  const int64_t first = rows.window == 0 ? 0 : end - rows.window;
  V most = minus_infinity;
  for (int64_t i = 0; i < rows.keys; i += kLanes) {
    const int64_t count = std::min(kLanes, rows.keys - i);
    float* const at = rows.x + r * rows.stride + i;
    V x = hn::Mul(hn::LoadU(d, at), scale);
    const auto give = [&](Scores after) {
      if (rows.scores != nullptr && rows.scores_after == after) {
        StoreFirst(x, d, rows.scores + r * rows.scores_step + i, static_cast<size_t>(count));
      }
    };
    give(Scores::kScaled);
    if (rows.softcap != 0) x = hn::Mul(Tanh(d, hn::Div(x, cap)), cap);
    give(Scores::kCapped);
    const int64_t visible = std::clamp<int64_t>(end - i, 0, kLanes);
    if (rows.mask != nullptr && visible > 0) {
      x = Masked(x, fill, rows.mask + r * rows.mask_step + i, visible);
    }
    if (rows.bias != nullptr && visible > 0) {
      x = hn::Add(x, LoadSome(rows.bias + r * rows.bias_step + i, visible));
    }
    if (visible < kLanes) {
      x = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(visible)), x, minus_infinity);
    }
    if (first > i) {
      const int64_t hidden = std::min(kLanes, first - i);
      x = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(hidden)), minus_infinity, x);
    }
    give(Scores::kBiased);
    hn::StoreU(x, d, at);
    most = hn::Max(most, x);
  }
  return most;
}

// Scores become e^(score - greatest). Returns what makes their sum 1, or 0 where the row is blind.
float Raise(const ScoreRows& rows, int64_t r, float greatest) {
  if (greatest == kMinusInfinity && rows.blind_gives_zeros) return 0;
  const D d;
  const V most = hn::Set(d, greatest);
  float* const x = rows.x + r * rows.stride;
  const int64_t keys = rows.keys;
  V sum = hn::Zero(d);
  for (int64_t i = 0; i < keys; i += kLanes) {
    const V e = Decay(d, hn::Sub(hn::LoadU(d, x + i), most));
    hn::StoreU(e, d, x + i);
    sum = hn::Add(sum, e);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  if (rows.sink != nullptr) total += std::exp(*rows.sink - greatest);
  return rows.nan_gives_zeros && std::isnan(total) ? 0 : 1.0f / total;
}

void Scale(const ScoreRows& rows, int64_t r, float factor) {
  const D d;
  const V factors = hn::Set(d, factor);
  float* const x = rows.x + r * rows.stride;
  const int64_t keys = rows.keys;
  // Not a product where nothing is seen: the row holds infinities then.
  const bool blind = factor == 0;
  for (int64_t i = 0; i < keys; i += kLanes) {
    hn::StoreU(blind ? factors : hn::Mul(hn::LoadU(d, x + i), factors), d, x + i);
  }
  if (rows.scores != nullptr && rows.scores_after == Scores::kSoftmax) {
    std::copy_n(x, keys, rows.scores + r * rows.scores_step);
  }
}

}  // namespace

void WeighScoresSimd(const ScoreRows& rows) {
  const bool plain = rows.scores == nullptr && rows.softcap == 0 && rows.window == 0;
  float values[kRowsAtOnce];
  for (int64_t first = 0; first < rows.count; first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, rows.count - first);
    for (int64_t i = 0; i < count; ++i) {
      const V most = plain ? PrepareVisible(rows, first + i) : PrepareAny(rows, first + i);
      values[i] = hn::GetLane(hn::MaxOfLanes(D(), most));
      if (rows.sink != nullptr) values[i] = std::max(values[i], *rows.sink);
    }
    for (int64_t i = 0; i < count; ++i) values[i] = Raise(rows, first + i, values[i]);
    for (int64_t i = 0; i < count; ++i) Scale(rows, first + i, values[i]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void WeighScores(const ScoreRows& rows) { MULLION_SIMD_CALL(WeighScoresSimd)(rows); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
