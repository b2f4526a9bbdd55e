// SPDX-License-Identifier: MIT
// The parameters of SVMClassifier and SVMRegressor.
#ifndef MULLION_OPERATORS_SVM_H_
#define MULLION_OPERATORS_SVM_H_

#include <cstdint>
#include <span>

#include "operators/class_scores.h"

namespace mullion::operators {

struct SvmParameters {
  enum class Kernel : uint8_t { kLinear, kPoly, kRbf, kSigmoid };

  // Checks the attributes against each other. Spans belong to the node.
  static Result<SvmParameters> FromNode(const Node& node);

  Kernel kernel = Kernel::kLinear;
  float gamma = 0;
  float offset = 0;
  float degree = 0;
  PostTransform post_transform = PostTransform::kNone;
  int64_t features = 0;
  std::span<const float> support_vectors;  // [vectors, features]; empty for a linear machine
  std::span<const float> rho;
  int64_t vectors = 0;

  // Classifier: with support vectors, coefficients are [classes - 1, vectors] and there is one
  // score for each pair of classes; without, [classes, features] and one for each class.
  // Regressor: [vectors], or [features] without support vectors.
  std::span<const float> coefficients;
  ClassLabels labels;
  int64_t classes = 0;
  std::span<const int64_t> vectors_per_class;
  std::span<const float> probability_a;  // empty, or one for each pair of classes
  std::span<const float> probability_b;
  bool one_class = false;

  bool PairsClasses() const { return !vectors_per_class.empty(); }
  int64_t Pairs() const { return classes * (classes - 1) / 2; }
  // Columns of the classifier's scores. A single score is spread to two.
  int64_t ScoreCount() const {
    if (!PairsClasses() || !probability_a.empty()) return classes;
    return Pairs() == 1 ? 2 : Pairs();
  }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SVM_H_
