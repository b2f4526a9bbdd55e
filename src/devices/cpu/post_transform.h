// SPDX-License-Identifier: MIT
// The score transforms of ai.onnx.ml.
#ifndef MULLION_DEVICES_CPU_POST_TRANSFORM_H_
#define MULLION_DEVICES_CPU_POST_TRANSFORM_H_

#include <cstdint>

#include "operators/class_scores.h"

namespace mullion::cpu {

// Transforms `rows` rows of `count` scores each, one behind the other, in place.
template <typename T>
void ApplyPostTransform(operators::PostTransform transform, T* scores, int64_t rows, int64_t count);

// 1 / (1 + e^-x).
template <typename T>
T Logistic(T x);

// The index of the greatest score; the first of equal ones.
template <typename T>
int64_t ArgMax(const T* scores, int64_t count) {
  // Both are chosen without a branch, which nobody could foretell.
  int64_t best = 0;
  T most = scores[0];
  for (int64_t i = 1; i < count; ++i) {
    const bool greater = scores[i] > most;
    most = greater ? scores[i] : most;
    best = greater ? i : best;
  }
  return best;
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_POST_TRANSFORM_H_
