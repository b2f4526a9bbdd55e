// SPDX-License-Identifier: MIT
#include "operators/rescaled_conv.h"

#include "base/str_cat.h"
#include "operators/convolution_geometry.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

using namespace rescaled_conv;

Status RequireEachChannel(const InferenceContext& context, int i, int64_t channels) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || channels < 0) return OkStatus();
  if (shape->ElementCount() == channels) return OkStatus();
  return context.Error(context.DescribeInput(i), " but there are ", channels, " output channels");
}

Status InferRescaledConv(InferenceContext& context) {
  for (int i = 1; i <= kZero; ++i) {
    if (i != kBias) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  }
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kX, kXZero));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kW, kWZero));
  for (const int i : {kW, kQZero, kZero, kResidual}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, kQuantizedBytes));
  }
  MULLION_RETURN_IF_ERROR(context.RequireType(kBias, SetOf(ElementType::kInt32)));
  for (const int i : {kXScale, kWScale, kQScale, kFactors, kShifts, kResidualFactors}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat));
  }
  const ElementType type = context.InputType(kZero);
  const Shape* const image = context.InputShape(kX);
  const Shape* const weights = context.InputShape(kW);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           ConvolutionGeometry::FromNode(context.node(), *image, *weights));
  for (const int i : {kBias, kFactors, kShifts, kResidualFactors}) {
    MULLION_RETURN_IF_ERROR(RequireEachChannel(context, i, geometry.out_channels));
  }
  context.SetOutput(0, type, geometry.OutputShape());
  return OkStatus();
}

}  // namespace

void RegisterRescaledConv(OperatorRegistry& registry) {
  registry.Add({.name = kRescaledConv,
                .domain = kInternalDomain,
                .inputs = {12, 14},
                .types = kQuantizedBytes,
                .infer = InferRescaledConv});
}

}  // namespace mullion::operators
