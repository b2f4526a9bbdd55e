// SPDX-License-Identifier: MIT
// One row of attention scores: scaled, capped, masked, and made to weights by softmax.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_

#include <cstdint>

#include "devices/cpu/kernels/sequence/attention.h"

namespace mullion::cpu {

struct ScoreRow {
  // `keys` products in, weights out; memory up to a multiple of 16 may be written.
  float* x = nullptr;
  int64_t keys = 0;
  int64_t first = 0;    // keys before this one are left out
  int64_t visible = 0;  // and keys from here on
  float scale = 1;
  float softcap = 0;
  const bool* mask = nullptr;  // one per visible key, or null; where it is false, scores are `fill`
  float fill = 0;
  const float* bias = nullptr;    // one per visible key, or null
  const float* sink = nullptr;    // one more score, or null
  bool blind_gives_zeros = true;  // as in AttentionProblem
  bool nan_gives_zeros = false;   // likewise
  float* scores = nullptr;        // `keys` floats that are also wanted, or null
  AttentionProblem::Scores scores_after = AttentionProblem::Scores::kScaled;
};

void WeighScores(const ScoreRow& row);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_
