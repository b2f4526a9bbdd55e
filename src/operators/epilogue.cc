// SPDX-License-Identifier: MIT
#include "operators/epilogue.h"

#include "base/str_cat.h"

namespace mullion::operators {

namespace {

bool HasResidualOf(const Node& node, const Shape& residual, const Shape& output) {
  const auto begin = node.IntsAttribute(kResidualBegin);
  if (begin.empty()) return residual == output;
  if (begin.size() != 2 || residual.rank() != 4 || output.rank() != 4) return false;
  for (int i = 0; i < 2; ++i) {
    const int64_t first = begin[static_cast<size_t>(i)];
    if (first < 0 || residual[i + 1] < output[i + 1] || first > residual[i + 1] - output[i + 1]) {
      return false;
    }
  }
  return residual[0] == output[0] && residual[3] == output[3];
}

}  // namespace

Status CheckResidual(const InferenceContext& context, int input, const Shape& output) {
  const Shape* const residual = context.InputShape(input);
  if (residual == nullptr || !residual->IsConcrete() || !output.IsConcrete() ||
      HasResidualOf(context.node(), *residual, output)) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(input), "; it is added to a result of shape ",
                       output.ToString(),
                       ", whose dimensions have the same names in the model: give inputs the "
                       "same size where they share a name, or make a session without "
                       "Optimize");
}

}  // namespace mullion::operators
