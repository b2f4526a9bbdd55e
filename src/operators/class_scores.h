// SPDX-License-Identifier: MIT
// What the classifiers and regressors of ai.onnx.ml share: transforms of scores, and class labels.
#ifndef MULLION_OPERATORS_CLASS_SCORES_H_
#define MULLION_OPERATORS_CLASS_SCORES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "operators/inference.h"

namespace mullion::operators {

inline constexpr std::string_view kMlDomain = "ai.onnx.ml";

// Numbers as TreeEnsemble-5 has them.
enum class PostTransform : uint8_t { kNone, kSoftmax, kLogistic, kSoftmaxZero, kProbit };

// From the string attribute `post_transform`.
Result<PostTransform> ParsePostTransform(const Node& node);

// The names of classes: strings or integers, one kind only. The spans belong to the node.
struct ClassLabels {
  std::span<const std::string> strings;
  std::span<const int64_t> ints;

  // `ints` is the name of the integer attribute, which differs between operators.
  static ClassLabels FromNode(const Node& node, std::string_view ints);

  int64_t count() const {
    return static_cast<int64_t>(strings.empty() ? ints.size() : strings.size());
  }
  ElementType type() const { return strings.empty() ? ElementType::kInt64 : ElementType::kString; }
};

// Rows of an input that is [rows, features], or one row of features.
int64_t RowCount(const Shape& shape);
// The same for inference, kUnknownDim when not known; input 0 must have rank 1 or 2.
Result<int64_t> InferRowCount(const InferenceContext& context);

// Output 0 has the shape of input 0 and the type float.
Status InferFloatLikeFirst(InferenceContext& context);

// Input 0 is a map whose keys have this type.
Status RequireMap(const InferenceContext& context, ElementType key);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CLASS_SCORES_H_
