// SPDX-License-Identifier: MIT
// QLinearConv: a convolution between quantized numbers.
#include "base/str_cat.h"
#include "operators/convolution_geometry.h"
#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status RequireOneOrEachChannel(const InferenceContext& context, int i, int64_t channels) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete()) return OkStatus();
  const int64_t count = shape->ElementCount();
  if (count == 1 || (channels >= 0 && count == channels && shape->rank() <= 1)) return OkStatus();
  if (channels < 0) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have 1 or ", channels, " elements");
}

Status InferQlinearConv(InferenceContext& context) {
  // x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B
  for (int i = 1; i < 8; ++i) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(3, 5));
  MULLION_RETURN_IF_ERROR(context.RequireType(7, kQuantizedBytes));
  MULLION_RETURN_IF_ERROR(context.RequireType(8, SetOf(ElementType::kInt32)));
  for (const int i : {1, 4, 6}) {
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloat));
  }
  const ElementType type = context.InputType(7);
  const Shape* const image = context.InputShape(0);
  const Shape* const weights = context.InputShape(3);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           ConvolutionGeometry::FromNode(context.node(), *image, *weights));
  for (const int i : {1, 2, 6, 7}) MULLION_RETURN_IF_ERROR(RequireOneOrEachChannel(context, i, 1));
  for (const int i : {4, 5}) {
    MULLION_RETURN_IF_ERROR(RequireOneOrEachChannel(context, i, geometry.out_channels));
  }
  const Shape* const bias = context.InputShape(8);
  if (bias != nullptr && bias->IsConcrete() && geometry.out_channels >= 0 &&
      bias->ElementCount() != geometry.out_channels) {
    return context.Error(context.DescribeInput(8), " but must have ", geometry.out_channels,
                         " elements, one for each output channel");
  }
  context.SetOutput(0, type, geometry.OutputShape());
  return OkStatus();
}

// com.microsoft's form differs by its attribute `channels_last`, which says here what it says
// there.
Status UpgradeMicrosoftQlinearConv(Node& node) {
  node.SetOperator("", "QLinearConv", kNewestOpset);
  return OkStatus();
}

}  // namespace

void RegisterQlinearConv(OperatorRegistry& registry) {
  registry.Add({.name = "QLinearConv",
                .since = 10,
                .inputs = {8, 9},
                .types = kQuantizedBytes,
                .infer = InferQlinearConv});
  registry.Add({.name = "QLinearConv",
                .domain = "com.microsoft",
                .inputs = {8, 9},
                .types = kQuantizedBytes,
                .upgrade = UpgradeMicrosoftQlinearConv});
}

}  // namespace mullion::operators
