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

// The scores before softmax; returns the greatest.
float Prepare(const ScoreRow& row) {
  const D d;
  const V scale = hn::Set(d, row.scale);
  const V cap = hn::Set(d, row.softcap);
  const V fill = hn::Set(d, row.fill);
  const V minus_infinity = hn::Set(d, kMinusInfinity);
  V most = minus_infinity;
  int64_t i = 0;
  // Whole vectors of what is mostly asked for.
  if (row.scores == nullptr && row.softcap == 0 && row.first == 0) {
    for (; i + kLanes <= std::min(row.keys, row.visible); i += kLanes) {
      V x = hn::Mul(hn::LoadU(d, row.x + i), scale);
      if (row.mask != nullptr) x = Masked(x, fill, row.mask + i, kLanes);
      if (row.bias != nullptr) x = hn::Add(x, hn::LoadU(d, row.bias + i));
      hn::StoreU(x, d, row.x + i);
      most = hn::Max(most, x);
    }
  }
  for (; i < row.keys; i += kLanes) {
    const int64_t count = std::min(kLanes, row.keys - i);
    V x = hn::Mul(hn::LoadU(d, row.x + i), scale);
    const auto give = [&](Scores after) {
      if (row.scores != nullptr && row.scores_after == after) {
        StoreFirst(x, d, row.scores + i, static_cast<size_t>(count));
      }
    };
    give(Scores::kScaled);
    if (row.softcap != 0) x = hn::Mul(Tanh(d, hn::Div(x, cap)), cap);
    give(Scores::kCapped);
    const int64_t visible = std::clamp<int64_t>(row.visible - i, 0, kLanes);
    if (row.mask != nullptr && visible > 0) x = Masked(x, fill, row.mask + i, visible);
    if (row.bias != nullptr && visible > 0) x = hn::Add(x, LoadSome(row.bias + i, visible));
    if (visible < kLanes) {
      x = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(visible)), x, minus_infinity);
    }
    if (row.first > i) {
      const int64_t hidden = std::min(kLanes, row.first - i);
      x = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(hidden)), minus_infinity, x);
    }
    give(Scores::kBiased);
    hn::StoreU(x, d, row.x + i);
    most = hn::Max(most, x);
  }
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

}  // namespace

void WeighScoresSimd(const ScoreRow& row) {
  const D d;
  float greatest = Prepare(row);
  if (row.sink != nullptr) greatest = std::max(greatest, *row.sink);
  bool blind = greatest == kMinusInfinity && row.blind_gives_zeros;
  V factor = hn::Zero(d);
  if (!blind) {
    const V most = hn::Set(d, greatest);
    V sum = hn::Zero(d);
    for (int64_t i = 0; i < row.keys; i += kLanes) {
      const V e = Decay(d, hn::Sub(hn::LoadU(d, row.x + i), most));
      hn::StoreU(e, d, row.x + i);
      sum = hn::Add(sum, e);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    if (row.sink != nullptr) total += std::exp(*row.sink - greatest);
    blind = row.nan_gives_zeros && std::isnan(total);
    if (!blind) factor = hn::Set(d, 1.0f / total);
  }
  for (int64_t i = 0; i < row.keys; i += kLanes) {
    // Not a product where nothing is seen: the row holds infinities then.
    const V x = blind ? factor : hn::Mul(hn::LoadU(d, row.x + i), factor);
    hn::StoreU(x, d, row.x + i);
    if (row.scores != nullptr && row.scores_after == Scores::kSoftmax) {
      const int64_t count = std::min(kLanes, row.keys - i);
      StoreFirst(x, d, row.scores + i, static_cast<size_t>(count));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void WeighScores(const ScoreRow& row) { MULLION_SIMD_CALL(WeighScoresSimd)(row); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
