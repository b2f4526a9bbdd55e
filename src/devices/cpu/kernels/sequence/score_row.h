// SPDX-License-Identifier: MIT
// Rows of attention scores: scaled, capped, masked, and made to weights by softmax.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_

#include <cstdint>

#include "devices/cpu/kernels/sequence/attention.h"

namespace mullion::cpu {

struct ScoreRows {
  // `count` rows of `keys` products in, weights out; memory up to a multiple of 16 may be written.
  float* x = nullptr;
  int64_t stride = 0;
  int64_t count = 0;
  int64_t keys = 0;
  const int64_t* visible = nullptr;  // of each row: keys from here on are left out
  int64_t window = 0;                // and those more than so many before that, or 0
  float scale = 1;
  float softcap = 0;
  const bool* mask = nullptr;  // one per visible key, or null; where it is false, scores are `fill`
  int64_t mask_step = 0;       // from row to row
  float fill = 0;
  const float* bias = nullptr;  // one per visible key, or null
  int64_t bias_step = 0;
  const float* sink = nullptr;    // one more score of every row, or null
  bool blind_gives_zeros = true;  // as in AttentionProblem
  bool nan_gives_zeros = false;   // likewise
  float* scores = nullptr;        // rows of `keys` floats that are also wanted, or null
  int64_t scores_step = 0;
  AttentionProblem::Scores scores_after = AttentionProblem::Scores::kScaled;
};

void WeighScores(const ScoreRows& rows);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_SCORE_ROW_H_
