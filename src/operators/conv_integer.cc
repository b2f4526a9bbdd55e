// SPDX-License-Identifier: MIT
// ConvInteger: int32 sums of 8-bit images and weights.
#include "base/str_cat.h"
#include "operators/convolution_geometry.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferConvInteger(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, 3));
  const Shape* const image = context.InputShape(0);
  const Shape* const weights = context.InputShape(1);
  const Shape* const zeros = context.InputShape(2);
  if (zeros != nullptr && zeros->IsConcrete() && zeros->ElementCount() != 1) {
    return context.Error(context.DescribeInput(2), " but must be a scalar");
  }
  const Shape* const weight_zeros = context.InputShape(3);
  if (weights != nullptr && weight_zeros != nullptr && weight_zeros->IsConcrete() &&
      weight_zeros->ElementCount() != 1 && (*weights)[0] >= 0 &&
      !(*weight_zeros == Shape{(*weights)[0]})) {
    return context.Error(context.DescribeInput(3), " but must be a scalar or have one ",
                         "element for each of ", (*weights)[0], " output channels");
  }
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, ElementType::kInt32);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           ConvolutionGeometry::FromNode(context.node(), *image, *weights));
  context.SetOutput(0, ElementType::kInt32, geometry.OutputShape());
  return OkStatus();
}

}  // namespace

void RegisterConvInteger(OperatorRegistry& registry) {
  registry.Add({.name = "ConvInteger",
                .since = 10,
                .inputs = {2, 4},
                .types = kQuantizedBytes,
                .infer = InferConvInteger});
}

}  // namespace mullion::operators
