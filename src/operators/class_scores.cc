// SPDX-License-Identifier: MIT
#include "operators/class_scores.h"

#include "base/str_cat.h"

namespace mullion::operators {

Result<PostTransform> ParsePostTransform(const Node& node) {
  const std::string_view name = node.StringAttribute("post_transform", "NONE");
  if (name == "NONE" || name.empty()) return PostTransform::kNone;
  if (name == "SOFTMAX") return PostTransform::kSoftmax;
  if (name == "LOGISTIC") return PostTransform::kLogistic;
  if (name == "SOFTMAX_ZERO") return PostTransform::kSoftmaxZero;
  if (name == "PROBIT") return PostTransform::kProbit;
  return node.Error(StatusCode::kInvalidModel, "attribute 'post_transform' is '", name,
                    "' but must be NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT");
}

ClassLabels ClassLabels::FromNode(const Node& node, std::string_view ints) {
  return {node.StringsAttribute("classlabels_strings"), node.IntsAttribute(ints)};
}

int64_t RowCount(const Shape& shape) { return shape.rank() < 2 ? 1 : shape[0]; }

Result<int64_t> InferRowCount(const InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) return int64_t{kUnknownDim};
  if (shape->rank() != 1 && shape->rank() != 2) {
    return context.Error(context.DescribeInput(0),
                         " but must have shape [rows, features] or [features]");
  }
  return RowCount(*shape);
}

Status InferFloatLikeFirst(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, ElementType::kFloat);
  } else {
    context.SetOutput(0, ElementType::kFloat, *shape);
  }
  return OkStatus();
}

Status RequireMap(const InferenceContext& context, ElementType key) {
  const TypeInfo& type = context.InputInfo(0);
  if (type.kind != ValueKind::kMap) {
    return context.Error(context.DescribeInput(0), " but must be a map");
  }
  if (type.key_type != key) {
    return context.Error(context.DescribeInput(0), " but its keys must be of type ",
                         ElementTypeName(key));
  }
  return OkStatus();
}

}  // namespace mullion::operators
