// SPDX-License-Identifier: MIT
#include "operators/epilogue.h"

#include "base/str_cat.h"

namespace mullion::operators {

Status CheckResidual(const InferenceContext& context, int input, const Shape& output) {
  const Shape* const residual = context.InputShape(input);
  if (residual == nullptr || !residual->IsConcrete() || !output.IsConcrete() ||
      *residual == output) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(input), "; it is added to a result of shape ",
                       output.ToString(),
                       ", whose dimensions have the same names in the model: give inputs the "
                       "same size where they share a name, or make a session without "
                       "Optimize");
}

}  // namespace mullion::operators
