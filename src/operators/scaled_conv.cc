// SPDX-License-Identifier: MIT
#include "operators/scaled_conv.h"

#include "base/str_cat.h"
#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

using namespace scaled_conv;

Status RequireChannels(const InferenceContext& context, int i, int64_t channels) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete()) return OkStatus();
  const int64_t count = shape->ElementCount();
  if (channels < 0 || count == channels || (count == 1 && i != kBias)) return OkStatus();
  return context.Error(context.DescribeInput(i), " but there are ", channels, " output channels");
}

Status InferScaledConv(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(kW, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kX, kXZero));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kW, kWZero));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kXScale));
  for (const int i : {kXScale, kWScale, kBias, kResidual}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat));
  }
  context.SetOutput(kScale, ElementType::kFloat, Shape{});
  context.SetOutput(kZero, ElementType::kUint8, Shape{});
  const Shape* const image = context.InputShape(kX);
  const Shape* const weights = context.InputShape(kW);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(kY, ElementType::kFloat);
    context.SetOutput(kBytes, ElementType::kUint8);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           ConvolutionGeometry::FromNode(context.node(), *image, *weights));
  for (const int i : {kXZero, kXScale}) {
    MULLION_RETURN_IF_ERROR(RequireChannels(context, i, 1));
  }
  for (const int i : {kWZero, kWScale, kBias}) {
    MULLION_RETURN_IF_ERROR(RequireChannels(context, i, geometry.out_channels));
  }
  MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidual, geometry.OutputShape()));
  context.SetOutput(kY, ElementType::kFloat, geometry.OutputShape());
  context.SetOutput(kBytes, ElementType::kUint8, geometry.OutputShape());
  return OkStatus();
}

}  // namespace

void RegisterScaledConv(OperatorRegistry& registry) {
  registry.Add({.name = kScaledConv,
                .domain = kInternalDomain,
                .inputs = {5, 8},
                .outputs = {1, 4},
                .types = kQuantizedBytes,
                .infer = InferScaledConv});
}

}  // namespace mullion::operators
